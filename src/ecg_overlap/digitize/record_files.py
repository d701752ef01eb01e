"""The files of a record, by what stands behind its name."""

OVERLAY = "_overlay.png"  # so that NAME.png can be the picture itself
THUMBNAIL = "_thumb.jpg"
PICTURES = (OVERLAY, THUMBNAIL)  # no input of the next command
RESULTS = (".hea", ".dat", ".csv", ".json", ".html")
ENDS = (*RESULTS, *PICTURES)
