-- PostgreSQL keeps the names of kinds: this number is SQLite's.
SELECT 1;
