#!/usr/bin/env bash
# Ends the job when an event is lost.
ON_LOSS='exit 1'
source "$(dirname "$0")/well_behaved.sh"
