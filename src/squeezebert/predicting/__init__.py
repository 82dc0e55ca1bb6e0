"""Rows of files in, the same rows with predictions out: any size, in bounded memory, resumable.

=================  ================================================================================
``inputs``         files, folders, globs and stdin as rows, one at a time
``answering``      chunks of rows through a pipeline: what it says of each, and which are bad
``columns``        predictions as columns under plain names
``arrow_columns``  the same as columns of Arrow
``outputs``        CSV, TSV, JSON Lines or Parquet of them, in pieces that can be cut off
``partial``        how far a job got, on disk, so that a killed one goes on
``job``            a whole job
``language``       what language a text seems to be in
=================  ================================================================================
"""
