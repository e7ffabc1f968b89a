"""What only a person can say: the fields of the papers that nothing recorded can fill, and the file that fills them."""

from __future__ import annotations

from pathlib import Path

from factory.errors import SpecError
from factory.spec_file import read_yaml

FILE = "human.yaml"
"""Beside spec.yaml: a key of FIELDS to what a person says of it. It is no part of the spec's identity."""
FIELDS = {
    "provider": "Who is the provider: name, address, contact?",
    "deployers": "Who is to deploy it, in which setting, and on which persons does it have an effect?",
    "interaction": "Which other hardware, software and AI systems will it work with?",
    "updates": "Which requirements are there for updates of its version?",
    "product": "If it is part of a product: photographs or illustrations of its outside, its marking, its inside?",
    "user_interface": "What does the user interface look like to the deployer?",
    "instructions": "Which instructions for use does the deployer get, beyond the model card?",
    "assumptions": "What was assumed of the persons or groups on whom it is to be used, and what was traded off?",
    "oversight": "Who oversees it, with which means, and who can overrule or stop it (Article 14)?",
    "planned_changes": "Which changes to the system and its performance are determined beforehand?",
    "discrimination": "Which potentially discriminatory impacts were looked at, and what was found?",
    "test_reports": "Who answers for the test reports: name, date, signature?",
    "cybersecurity": "Which measures of cybersecurity protect it where it is deployed?",
    "unintended": "Which unintended outcomes and risks to health, safety and fundamental rights are foreseeable?",
    "metrics": "Why are these metrics the right ones for this system?",
    "risk_management": "How does the risk management system of Article 9 work for it?",
    "changes_made": "Which relevant changes did the provider make through its lifecycle?",
    "standards": "Which harmonised standards apply, or what else meets the requirements of Chapter III, Section 2?",
    "declaration": "Where is the EU declaration of conformity (Article 47)?",
    "monitoring": "How is its performance watched after it was placed on the market (Article 72), and by which plan?",
    "controller": "Who is the controller of personal data, and who the data protection officer?",
    "legal_basis": "On which legal basis were real texts used, and whose are they?",
    "retention": "How long are texts, replies and answers kept, and how are they erased?",
    "transfers": "Who processes texts on the controller's behalf, and in which countries?",
}
"""Key to the question that a person is asked."""


def read(path: Path) -> dict[str, str]:
    """What people have said; nothing where there is no such file.

    Raises:
        SpecError: a key that is none of FIELDS, or a value that is no text.
    """
    if not path.exists():
        return {}
    said = read_yaml(path)
    for key, value in said.items():
        if key not in FIELDS:
            raise SpecError(
                f"No paper asks for {key!r}.", where=f"{path}: {key}", fix=f"Use some of: {', '.join(FIELDS)}."
            )
        if not isinstance(value, str) or not value.strip():
            raise SpecError("This must be a text.", where=f"{path}: {key}", fix="Write it, or leave the key out.")
    return {key: value.strip() for key, value in said.items()}
