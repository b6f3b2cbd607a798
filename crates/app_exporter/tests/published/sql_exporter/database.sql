CREATE TABLE MarketPrices (Market, UpdateTime);
INSERT INTO MarketPrices VALUES ('US', 1700000100), ('US', 1700000200), ('EU', 1700000300);
CREATE TABLE performance_counters (counter_name, instance_name, cntr_value);
INSERT INTO performance_counters VALUES ('Log Growths', 'books ', 7), ('Log Growths', '_Total', 9);
CREATE TABLE file_stats (db, io_stall_read_ms, io_stall_write_ms, io_stall);
INSERT INTO file_stats VALUES ('books', 1000, 400, 1400), ('books', 500, 100, 600);
