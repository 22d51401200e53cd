"""All that one look tells, in one document: the cluster, its nodes, and what is wrong."""

from subject.cluster.snapshot import Snapshot
from subject.diagnosis.problems import Diagnosis
from subject.output import diagnosis_document, documents
from subject.output.documents import Document


def overview(snapshot: Snapshot, diagnosis: Diagnosis) -> Document:
    """A line of ``watch --json``: ``status`` with the nodes of ``nodes`` and the findings of ``diagnose``."""
    return {
        **documents.status(snapshot, diagnosis),
        "nodes": documents.nodes(snapshot)["nodes"],
        **diagnosis_document.document(snapshot, diagnosis),
    }
