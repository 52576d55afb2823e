"""Programs that ``mock-intake demo`` and ``conformance`` run; each is a file of its own and a whole producer.

All take host and key from MOCK_INTAKE_URL and MOCK_INTAKE_KEY.
"""
