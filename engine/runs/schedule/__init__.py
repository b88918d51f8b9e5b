"""Keeping the schedule: recurring synchronizations of modified records (reference/domain.md section 5.1)."""
