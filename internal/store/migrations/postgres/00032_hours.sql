-- +goose Up

-- Hours of a member have their word.
CREATE OR REPLACE FUNCTION input_word(bigint) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$ SELECT CASE $1 WHEN 1 THEN 'identify' WHEN 2 THEN 'activity' WHEN 3 THEN 'answer' WHEN 4 THEN 'consent' WHEN 5 THEN 'accept' WHEN 6 THEN 'reject' WHEN 7 THEN 'hand_back' WHEN 8 THEN 'contact' WHEN 9 THEN 'assign' WHEN 10 THEN 'move' WHEN 11 THEN 'win' WHEN 12 THEN 'lose' WHEN 13 THEN 'timer' WHEN 14 THEN 'activate' WHEN 15 THEN 'refresh' WHEN 16 THEN 'member' WHEN 17 THEN 'leave' WHEN 18 THEN 'absence' WHEN 19 THEN 'own_account' WHEN 20 THEN 'retract'
        WHEN 21 THEN 'merged' WHEN 22 THEN 'merge' WHEN 23 THEN 'split' WHEN 24 THEN 'restored' WHEN 25 THEN 'join_account' WHEN 26 THEN 'take' WHEN 27 THEN 'release' WHEN 28 THEN 'present' WHEN 29 THEN 'calendar' WHEN 30 THEN 'estimate' WHEN 31 THEN 'walk_away' WHEN 32 THEN 'remind' WHEN 33 THEN 'hours' END $$;
