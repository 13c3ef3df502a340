"""The parts of `python -m utils.teach.grade`, in the order in which they are used:

find      files, archives and whose they are
notebook  the exercise cells of a notebook, and what the course's own holds
context   what an exercise cell needs: imports and values of the course's notebook
suspicion what a human should look at
pool      asks the workers
worker    starts a process for each exercise cell, and ends it
guard     limits of that process
child     what that process does: the cell, then its check
outcome   results as they travel between processes
store     results that are finished, so that a run can be continued
records   a student's row: which version counts, and in which words
tables    CSV files and item statistics
pages     HTML for students and for the lecturer
demo      made-up submissions, to try it out
"""
