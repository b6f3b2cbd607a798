//! Others who mean harm: targets of probes, and whoever answers in the place of a server.

mod addresses;
