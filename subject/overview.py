"""All that one look tells, in one document: the cluster, its nodes, and what is wrong."""

from subject import diagnosis_document, documents
from subject.diagnosis import Diagnosis
from subject.documents import Document
from subject.snapshot import Snapshot


def overview(snapshot: Snapshot, diagnosis: Diagnosis) -> Document:
    """A line of ``watch --json``: ``status`` with the nodes of ``nodes`` and the findings of ``diagnose``."""
    return {
        **documents.status(snapshot, diagnosis),
        "nodes": documents.nodes(snapshot)["nodes"],
        **diagnosis_document.document(snapshot, diagnosis),
    }
