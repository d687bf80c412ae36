# Holds manifests against the JSON Schema given first; the manifest given last must fail.
import json
import sys

import jsonschema
import yaml

with open(sys.argv[1]) as file:
    schema = json.load(file)
jsonschema.Draft202012Validator.check_schema(schema)
validator = jsonschema.Draft202012Validator(schema)
*good, bad = sys.argv[2:]
for path in good:
    with open(path) as file:
        for error in validator.iter_errors(yaml.safe_load(file)):
            print(f"{path}: {error.json_path}: {error.message}")
with open(bad) as file:
    if validator.is_valid(yaml.safe_load(file)):
        print(f"{bad}: passes, and should not")
