"""Reports: figures of agents, queues and days. They only read.

cards     What an agent or a queue does now, and today's figures.
figures   The figures of a group of calls: by agent, by queue, by day.
period    A range of days in a time zone, and the range before it.
talk      Talk shares, silence and interruptions, from stored analyses.
"""
