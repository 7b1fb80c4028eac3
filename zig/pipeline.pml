/* A model of the pipeline in pipeline.zig, for spin: the workers, the consumers, who pushes, who
 * closes, with the mutex and the two conditions. What is read and what is made of it is left out.
 *
 * What is checked, whatever the order in which the threads run:
 * - No deadlock. Nobody sleeps for ever: a consumer waits without a time limit here, so no limit
 *   hides a wake-up that is missing. The owner closes when all consumers are through or one died.
 * - No range is delivered twice, no pushed record twice, in order none before its turn, none behind
 *   one that failed. `end` is told only when all that the source holds was delivered, up to the
 *   first failure.
 * - Each close returns when all workers have ended. No piece is lost, and no list overflows.
 * - It ends. No state comes twice in a run (there is no mark of progress, so every cycle would be
 *   a non-progress cycle); thus each run is finite, fair or not, and all threads reach their end.
 *
 * `check_model.sh` makes two runs for each line of flags below, the first for the assertions and for
 * deadlocks, the second for cycles. Each is exhaustive.
 *
 *   -DFILE_MODE -DORDERED
 *   -DFILE_MODE
 *   -DFILE_MODE -DWORKERS=3 -DCAPACITY=4
 *   -DFILE_MODE -DORDERED -DWITH_CLOSE
 *   -DFILE_MODE -DORDERED -DWITH_ERROR
 *   -DFILE_MODE -DORDERED -DWITH_DEATH
 *   -DFILE_MODE -DWITH_CLOSE -DCAPACITY=1
 *   -DPUSHED -DORDERED
 *   -DPUSHED
 *   -DPUSHED -DORDERED -DWITH_ERROR
 *   -DPUSHED -DORDERED -DWITH_DEATH
 *   -DPUSHED -DORDERED -DWITH_CLOSE
 *   -DPUSHED -DORDERED -DPUSHER
 *
 * Each takes less than 20 seconds and 2 GB. FINE makes a step of each statement; otherwise all that
 * is done with the mutex held is one step, which is the same to the others, who keep off.
 *
 * What differs from the code:
 * - Waits may end for no reason, but only SPARE times in all, or runs would have no end. A wait of
 *   `next` that ends for the time is the same: the host asks again.
 * - A host that gets `nothing_yet` from `next(0)` waits the next time.
 * - Up to the last range each of a file holds something. The last may meet the end, the one behind
 *   it too (a record may go on there), and those behind that do.
 * - A record that is pushed is one unit. The walk may come to the last one, to the one before it, or
 *   nowhere. Who pushes takes the unit from the source in the same moment; a host has its own lock.
 */

#ifndef WORKERS
#define WORKERS 2
#endif
#ifndef CAPACITY
#define CAPACITY 2
#endif
#ifndef CONSUMERS
#define CONSUMERS 2
#endif
#ifndef UNITS
#define UNITS 3		/* Records that are pushed; ranges of a file that hold something, at most. */
#endif
#ifndef STOP
#define STOP NONE	/* Ranges before `options.stop`. */
#endif
#ifndef SPARE
#define SPARE 1
#endif
#ifdef WITH_CLOSE
#define CLOSERS 1	/* Besides the owner, who then closes at any moment, too. */
#else
#define CLOSERS 0
#endif
#ifdef FINE
#define SECTION
#else
#define SECTION atomic
#endif

#define NONE 255
#define MASK(count) ((1 << (count)) - 1)
#define MIN(a, b) ((a) < (b) -> (a) : (b))
#define HAS_ROOM (len(waiting) < free)
#define IS_IDLE (len(waiting) == 0 && free == CAPACITY)
#define AT_END (making == 0 && next_range - len(waiting) >= range_count)
#ifdef PUSHED
#define NO_MORE (whole && len(waiting) == 0)
#define HAS_RANGE (len(waiting) > 0)
#else
#define NO_MORE (next_range >= range_count)
#define HAS_RANGE true
#endif
#ifdef ORDERED
#define MAY_GO(seq) ((seq) == next_piece)
#else
#define MAY_GO(seq) true
#endif

/* Who sleeps, a bit each: workers for `work`, consumers and closers (five at most) for `done`. */
byte work, done;

/* Guarded by the mutex. Pieces are their sequence numbers; of free ones there is only a number. */
bool mutex;
bool closed, joined;
byte next_range, next_piece, range_count = STOP;
byte making;
byte ready[CAPACITY], ready_len;
byte free = CAPACITY;
chan waiting = [CAPACITY] of { byte };
bool whole;

/* Guarded by push_mutex: how many records were pushed, cut off, and walked. */
bool push_mutex;
byte pushed, tail_begin, tail_walk;

/* The world, and what is remembered for the checks. */
byte spare = SPARE;
byte last;		/* The last range that holds something; the one pushed as the final one. */
byte failed = NONE;	/* The first range that failed. */
short taken;		/* Ranges that were delivered, a bit each. */
byte out;		/* Records that were delivered, a bit each. */
byte holds[UNITS + 1];	/* Of each pushed range. */
byte workers_over, consumers_over, closers_over, dead;
bool pusher_over;

inline lock(which) { atomic { !which -> which = true } }
inline unlock(which) { which = false }

inline signal(condition) {
	if
	:: condition == 0
	:: condition & 1 -> condition = condition & ~1
	:: condition & 2 -> condition = condition & ~2
	:: condition & 4 -> condition = condition & ~4
	:: condition & 8 -> condition = condition & ~8
	:: condition & 16 -> condition = condition & ~16
	fi
}

inline broadcast(condition) { condition = 0 }

/* Both halves of a wait: let go of the mutex and sleep; then, before the mutex is taken again, be
 * awake. Whoever has not slept is. */
inline sleep(condition, me) { atomic { condition = condition | (1 << me); mutex = false } }
inline awake(condition, me) {
	if
	:: !(condition & (1 << me))
	:: atomic { spare > 0 && (condition & (1 << me)) -> spare--; condition = condition & ~(1 << me) }
	fi
}

inline recycle() {
	assert(free < CAPACITY);
	free++;
	signal(work);
#ifdef PUSHED
	signal(done)
#endif
}

inline swap_remove() {
	ready_len--;
	ready[index] = ready[ready_len];
	ready[ready_len] = 0
}

/* Puts what may be delivered into `seq`, or NONE. */
inline take() {
	do
	:: index >= ready_len -> break
	:: else ->
		seq = ready[index];
		if
		:: seq >= range_count -> swap_remove(); recycle()
		:: seq < range_count && MAY_GO(seq) -> swap_remove(); next_piece++; break
		:: else -> index++
		fi;
		seq = NONE
	od;
	index = 0
}

inline check_piece() {
	assert(!(taken & (1 << seq)));
#ifdef ORDERED
	assert(taken == MASK(seq) && (failed == NONE || seq <= failed));
#endif
	taken = taken | (1 << seq);
#ifdef PUSHED
	assert(!(out & holds[seq]));
	out = out | holds[seq]
#endif
}

inline check_end() {
#ifdef PUSHED
	assert(failed != NONE || (whole && out == MASK(UNITS)));
	index = MIN(next_range, failed + 1);
#else
	index = MIN(MIN(last, failed) + 1, STOP);
#endif
	assert((taken & MASK(index)) == MASK(index));
	index = 0
}

proctype worker(byte me) {
	byte seq;
	bool is_last, is_failure;
claim:
	SECTION {
		awake(work, me);
		lock(mutex);
		if
		:: closed || NO_MORE -> unlock(mutex); goto over
		:: else
		fi;
		if
		:: free > 0 && HAS_RANGE ->
#ifdef PUSHED
			waiting ? seq;
#else
			seq = next_range;
			next_range++;
#endif
			free--;
			making++;
			unlock(mutex)
		:: else -> sleep(work, me); goto claim
		fi
	};
	/* Between the two the range is worked on. */
	SECTION {
		if
#ifdef PUSHED
		:: true
		:: whole && seq == last -> is_last = true
#else
		:: seq <= last + 1
		:: seq >= last -> is_last = true
#endif
#ifdef WITH_ERROR
		:: is_failure = true
#endif
		fi;
		lock(mutex);
		if
		:: is_last || is_failure -> range_count = MIN(range_count, seq + 1); broadcast(work)
		:: else
		fi;
		if
		:: is_failure -> failed = MIN(failed, seq)
		:: else
		fi;
		making--;
		assert(ready_len < CAPACITY);
		ready[ready_len] = seq;
		ready_len++;
		broadcast(done);
		seq = 0;
		is_last = false;
		is_failure = false;
		unlock(mutex)
	};
	goto claim;
over:
	workers_over++
}

inline push() {
	lock(push_mutex);
	SECTION {
		lock(mutex);
		is_taken = !closed && !whole && HAS_ROOM;
		unlock(mutex)
	};
	if
	:: is_taken ->
		atomic {
			is_final = (pushed == UNITS);
			if
			:: pushed < UNITS ->
				pushed++;
				if
				:: pushed == UNITS -> is_final = true
				:: true
				fi
			:: else
			fi;
			if
			:: tail_walk = pushed
			:: !is_final && tail_walk < pushed - 1 -> tail_walk = pushed - 1
			:: !is_final
			fi
		};
		if
		:: is_final || tail_walk > tail_begin ->
			SECTION {
				lock(mutex);
				assert(len(waiting) < CAPACITY);
				waiting ! next_range;
				holds[next_range] = MASK(tail_walk) & ~MASK(tail_begin);
				next_range++;
				tail_begin = tail_walk;
				if
				:: is_final ->
					last = next_range - 1;
					whole = true;
					range_count = MIN(range_count, next_range);
					broadcast(work)
				:: else -> signal(work)
				fi;
				unlock(mutex)
			}
		:: else
		fi
	:: else
	fi;
	is_taken = false;
	is_final = false;
	unlock(push_mutex)
}

inline leave_next() { is_patient = false; is_second = false; unlock(mutex) }

proctype consumer(byte me) {
	byte seq = NONE, index;
	bool is_patient, is_second, is_taken, is_final;
next:
	/* With or without `milliseconds`. */
	SECTION {
		awake(done, me);
		if
		:: is_patient = true
#ifndef PUSHER
		:: !is_second
#endif
		fi;
		lock(mutex);
		if
		:: closed -> leave_next(); goto over
		:: else
		fi;
		take();
		if
		:: seq != NONE -> check_piece(); leave_next(); goto use
		:: else
		fi;
		if
		:: AT_END -> check_end(); leave_next(); goto over
		:: else
		fi;
#ifdef PUSHED
		if
		:: !whole && HAS_ROOM && (!is_patient || IS_IDLE) -> leave_next(); goto feed
		:: else
		fi;
#endif
		is_second = !is_patient;
		if
		:: !is_patient -> unlock(mutex)
		:: else -> is_patient = false; sleep(done, me)
		fi
	};
	goto next;
use:
#ifdef WITH_DEATH
	if
	:: atomic { dead++; goto over }
	:: true
	fi;
#endif
	SECTION { lock(mutex); recycle(); seq = NONE; unlock(mutex) };
	goto next;
feed:
#ifdef PUSHER
	(closed || whole || !HAS_ROOM || !IS_IDLE || AT_END);
#else
	push();
#endif
	goto next;
over:
	consumers_over++
}

/* Pushes without being asked, again and again until there is room. */
proctype pusher() {
	bool is_taken, is_final;
	do
	:: closed || whole -> break
	:: !closed && !whole && HAS_ROOM -> push()
	od;
	pusher_over = true
}

proctype closer(byte me; bool is_owner) {
	bool is_first;
	SECTION {
#ifndef WITH_CLOSE
		consumers_over == CONSUMERS || dead > 0;
#endif
		lock(mutex);
		is_first = !closed;
		closed = true;
		broadcast(work);
		broadcast(done);
		if
		:: !is_first && !joined -> sleep(done, me); goto asleep
		:: else -> unlock(mutex)
		fi
	};
	if
	:: !is_first -> goto over
	:: else
	fi;
	SECTION { workers_over == WORKERS; lock(mutex); joined = true; broadcast(done); unlock(mutex) };
	goto over;
asleep:
	SECTION {
		awake(done, me);
		lock(mutex);
		if
		:: !joined -> sleep(done, me); goto asleep
		:: else -> unlock(mutex)
		fi
	};
over:
	assert(joined && workers_over == WORKERS);
	closers_over++;
	if
	:: is_owner ->
		consumers_over == CONSUMERS && closers_over == CLOSERS + 1 && pusher_over;
		assert(free + ready_len + dead == CAPACITY && making == 0)
	:: else
	fi
}

init {
	byte index;
	atomic {
#ifdef FILE_MODE
		select (last : 0 .. UNITS - 1);
#endif
		for (index : 0 .. WORKERS - 1) { run worker(index) }
		for (index : 0 .. CONSUMERS - 1) { run consumer(index) }
		for (index : 0 .. CLOSERS) { run closer(CONSUMERS + index, index == CLOSERS) }
#ifdef PUSHER
		run pusher()
#else
		pusher_over = true
#endif
	}
}
