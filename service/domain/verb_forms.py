"""Irregular forms of common English verbs, which no stemmer brings together: drove and drive."""

from __future__ import annotations

from functools import lru_cache

from service.domain.terms import terms

_FORMS = """
bear bore borne|begin began begun|break broke broken|bring brought|build built|buy bought|catch caught
choose chose chosen|come came|deal dealt|do did done|draw drew drawn|drive drove driven|eat ate eaten
fall fell fallen|find found|fly flew flown|forget forgot forgotten|get got gotten|give gave given|go went gone
grow grew grown|hear heard|hold held|keep kept|know knew known|lead led|leave left|lend lent|lie lay lain
lose lost|make made|mean meant|meet met|pay paid|ride rode ridden|rise rose risen|run ran|see saw seen
seek sought|sell sold|send sent|show shown|sit sat|sleep slept|speak spoke spoken|spend spent|stand stood
steal stole stolen|swim swam swum|take took taken|teach taught|tell told|think thought|throw threw thrown
understand understood|wear wore worn|win won|write wrote written
"""


@lru_cache(maxsize=1)
def _bases() -> dict[str, str]:
    verbs = (line.split() for line in _FORMS.replace("\n", "|").split("|") if line.strip())
    return {terms(form)[0]: terms(base)[0] for base, *forms in verbs for form in forms}


def base_terms(text: str) -> frozenset[str]:
    """The terms of a text, irregular verbs by their base form."""
    bases = _bases()
    return frozenset(bases.get(term, term) for term in terms(text))
