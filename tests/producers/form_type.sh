#!/usr/bin/env bash
# What curl -d says where nobody says otherwise: a form.
CONTENT_TYPE=application/x-www-form-urlencoded
source "$(dirname "$0")/well_behaved.sh"
