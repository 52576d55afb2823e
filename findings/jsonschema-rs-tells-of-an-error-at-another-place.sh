#!/usr/bin/env bash
# jsonschema-rs: an error's instance_path takes a key of digits for an index, and leaves out a key that is empty.
#
# Seen: jsonschema-rs 0.61.2, jsonschema 4.26.0, Python 3.11. Facets and their fields may have any key: {"facets": {"0": ...}}
#   is an object, and "" is a key. Of an error at facets["0"].rows jsonschema-rs says ["facets", 0, "rows"], and following it
#   ends in KeyError; of one at facets[""].rows it says ["facets", "rows"], which is another value where facets has a key rows
#   itself. jsonschema gives both as they are. Whoever shows the refused value of an event by this path shows a wrong one, or
#   fails. evaluate() of the same validator names the right place, as a JSON pointer.
# Needs: python3 with venv, and a registry of Python packages. Takes half a minute. Exits with 1 where this has changed.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check jsonschema-rs==0.61.2 jsonschema==4.26.0

cat > paths.py <<'PYTHON'
import jsonschema
import jsonschema_rs

facet = {"type": "object", "properties": {"rows": {"type": "integer"}}}
schema = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "properties": {"facets": {"type": "object", "properties": {"rows": {"type": "object"}}, "additionalProperties": facet}},
}


def value_at(path, document):
    try:
        for key in path:
            document = document[key]
    except (KeyError, IndexError, TypeError) as error:
        return type(error).__name__
    return document


for key in ("stats", "0", ""):
    document = {"facets": {"rows": {"count": 1}, key: {"rows": "many"}}}
    validator = jsonschema_rs.Draft202012Validator(schema)
    (by_rs,) = validator.iter_errors(document)
    (by_python,) = jsonschema.Draft202012Validator(schema).iter_errors(document)
    for name, path in (("jsonschema-rs", by_rs.instance_path), ("jsonschema", by_python.absolute_path)):
        print(f"key {key!r}: {name} says {list(path)}, where {value_at(path, document)!r} is")
    print(f"key {key!r}: evaluate() says", *(error["instanceLocation"] for error in validator.evaluate(document).errors()))
PYTHON
venv/bin/python paths.py | tee told
diff told - <<'TOLD'
key 'stats': jsonschema-rs says ['facets', 'stats', 'rows'], where 'many' is
key 'stats': jsonschema says ['facets', 'stats', 'rows'], where 'many' is
key 'stats': evaluate() says /facets/stats/rows
key '0': jsonschema-rs says ['facets', 0, 'rows'], where 'KeyError' is
key '0': jsonschema says ['facets', '0', 'rows'], where 'many' is
key '0': evaluate() says /facets/0/rows
key '': jsonschema-rs says ['facets', 'rows'], where {'count': 1} is
key '': jsonschema says ['facets', '', 'rows'], where 'many' is
key '': evaluate() says /facets//rows
TOLD
