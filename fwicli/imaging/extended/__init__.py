"""Images of two whole wave fields: gathers of lags, and fields separated by their direction.

An extension is one class: an image that is linear in each of the two fields, and the sources that
an image makes of the field of the source, its exact transpose. Both fields of a shot are in memory.
"""
