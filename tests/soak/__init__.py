"""An hour of faults at random: nothing may leak, no scrape may fail, no old number may look fresh."""
