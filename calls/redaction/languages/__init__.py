"""The words by which personal data is recognised, language by language.

Patterns are matched against folded text (``calls.redaction.folding``): without accents, any case.

vocabulary  The contents of a language: number words, cues, months, units...
shared      Words of every language, such as PIN and IBAN
english     English
german      German
french      French
spanish     Spanish
rules       Combines the vocabularies of a conversation's languages into rules
"""
