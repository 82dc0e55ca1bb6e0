"""The rows of files answered by many processes, on engines that exist.

=================  ================================================================================
``partitions``     an input cut into partitions, and a partition answered, once and whole
``divided``        a whole job out of them, on any cluster
``ray_cluster``    the cluster that Ray gives
``arrow``          batches of Arrow in, the same with predictions out: for Spark and others
=================  ================================================================================
"""
