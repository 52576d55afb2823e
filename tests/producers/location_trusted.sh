#!/usr/bin/env bash
# Follows redirects, and takes its key along.
CURL_OPTIONS=--location-trusted
source "$(dirname "$0")/well_behaved.sh"
