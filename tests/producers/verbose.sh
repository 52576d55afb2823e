#!/usr/bin/env bash
# Shows all that goes over the wire, key and all.
CURL_OPTIONS=--verbose
source "$(dirname "$0")/well_behaved.sh"
