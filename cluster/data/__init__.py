"""Tables of facts: protobuf field numbers, Go types of fields, the shape of a pod template in Go, the
values of string fields that have a closed set of them, and defaults that are told."""
