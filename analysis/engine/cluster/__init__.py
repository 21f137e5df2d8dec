"""A study's cells on the workers of a Dask cluster: started here, or an existing one.

The process that was started takes the cells under the folder's locks, hands them out, and stores the rows that come
back; workers write nothing and need not see the folder. So a lost worker costs the cell that it was making, which Dask
gives to another, and a lost scheduler costs the cells in work. `dask` is imported when a cluster is used.
"""
