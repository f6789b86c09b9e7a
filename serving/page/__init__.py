"""Pages that people open: one self-contained HTML file each, in every language of `LANGUAGES`.

Add a translation: its code in `serving/explanation.py`, its words in `languages/CODE.toml`.
Add a section of the morning page: its template in `templates/sections/`, its line in `SECTIONS` of `morning.py`; its words go to
`languages/`.
"""
