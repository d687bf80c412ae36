# Holds archives of runs against the profile Provenance Run Crate, offline; a line `objection: ...` for each.
#
# crate.py FOLDER...
import json
import sys

import requests
from rocrate_validator import models, services
from rocrate_validator.utils.http import HttpRequester

SCHEMA = "http://schema.org/"
BIOSCHEMAS = "https://bioschemas.org/"
# What the two contexts of a crate say of the terms that dpc writes; any other term is left without
# a meaning, which the validator notices.
TERMS = {
    "File": SCHEMA + "MediaObject",
    "ComputationalWorkflow": BIOSCHEMAS + "ComputationalWorkflow",
    "FormalParameter": BIOSCHEMAS + "FormalParameter",
    "input": BIOSCHEMAS + "ComputationalWorkflow#input",
    "output": BIOSCHEMAS + "ComputationalWorkflow#output",
    "conformsTo": "http://purl.org/dc/terms/conformsTo",
}
TERMS |= {
    term: SCHEMA + term
    for term in """
    ComputerLanguage ControlAction CreateAction CreativeWork Dataset HowTo HowToStep OrganizeAction
    Organization Person PropertyValue SoftwareApplication SoftwareSourceCode about actionStatus
    additionalType agent author contentSize dateCreated datePublished description encodingFormat
    endTime error exampleOfWork hasPart identifier instrument isPartOf license mainEntity mentions
    name object position programmingLanguage publisher result softwareRequirements softwareVersion
    startTime step url value valueRequired version workExample
    """.split()
}
CONTEXTS = {
    "https://w3id.org/ro/crate/1.1/context": TERMS,
    "https://w3id.org/ro/terms/workflow-run/context": {
        "sha256": "https://w3id.org/ro/terms/workflow-run#sha256"
    },
}

# Recommendations that cannot be kept, and why; what is required has no exceptions.
ALLOWED = {
    "process-run-crate-0.5_3.2": "dpc and its stages have no page on the web",
    "process-run-crate-0.5_5.1": "nor are they named by one",
    "process-run-crate-0.5_11.1": "a stage that failed or was not begun left nothing",
    "ro-crate-1.1_22.3": "nobody has published the result yet",
    "ro-crate-1.1_28.1": "inputs are named by their content, which is no address",
    "ro-crate-1.1_30.2": "the system knows a user's name, not who employs them",
    "ro-crate-1.1_30.3": "as above",
}


def answer(url, *_, **__):
    response = requests.Response()
    response.url = url
    terms = CONTEXTS.get(url.split("#")[0])
    response.status_code = 404 if terms is None else 200
    response._content = json.dumps({"@context": terms}).encode() if terms else b""
    response.headers["Content-Type"] = "application/ld+json"
    return response


HttpRequester.__getattr__ = lambda self, name: answer


def issues(folder):
    settings = services.ValidationSettings(
        rocrate_uri=folder,
        profile_identifier="provenance-run-crate",
        requirement_severity=models.Severity.RECOMMENDED,
    )
    result = services.validate(settings)
    for issue in result.get_issues():
        yield issue.check.identifier, issue.message, str(issue.violatingEntity)


for folder in sys.argv[1:]:
    for check, message, entity in issues(folder):
        if check not in ALLOWED:
            print("objection:", folder, check, message, entity)
