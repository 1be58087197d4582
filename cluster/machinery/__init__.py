"""What every reacting component is made of: clock, informers, queues, the controller loop, owners, events.

Knows the API through the client protocol alone; knows no kind's meaning.
"""
