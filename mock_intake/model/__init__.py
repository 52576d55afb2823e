"""The values that leave the process: findings and rules, events, exchanges. Defined once, and knowing nothing above."""
