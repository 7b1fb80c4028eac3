//! Work on the ISO 2709 records of a source by several threads. The source is cut into ranges;
//! each worker takes the next one, reads it, walks the records that begin in it, and leaves a
//! `Piece`. Consumers take the pieces, in the source's order unless told otherwise. Nobody runs
//! ahead further than `capacity` pieces: that bounds the memory.
//!
//! Two ways to read: a file descriptor is read by the workers themselves, each at its own offset; what
//! only the host can read (pipes, packed files) it pushes, and a range is cut off whenever there is
//! enough. `pipeline.pml` is the model of it that `spin` checks.

const std = @import("std");
const builtin = @import("builtin");
const convert = @import("convert.zig");
const iso2709 = @import("iso2709.zig");
const record_module = @import("record.zig");
const sync = @import("sync.zig");
const walk_module = @import("walk.zig");
const Buffer = @import("buffer.zig").Buffer;
const Converter = convert.Converter;
const Problem = @import("problem.zig").Problem;
const Walk = walk_module.Walk;

/// What is made of the records.
pub const Job = enum(u32) {
    /// Nothing: they are only counted.
    count = 0,
    /// Their bytes, where each ends, and its kind.
    scan = 1,
    /// Another format.
    convert = 2,
};

pub const Options = struct {
    job: Job,
    conversion: convert.Options,
    workers: u32,
    capacity: u32,
    ordered: bool,
    /// Bytes of the source in a range.
    range: u64,
    /// The records that begin in `[start, stop)` are read.
    start: u64,
    stop: u64,
    /// To be read by the workers; null: the host pushes.
    file: ?i32,
};

pub const workers_max = 256;
pub const capacity_max = 1 << 16;
/// Offsets in a piece are 32-bit numbers.
pub const range_max = 1 << 30;

/// Bytes that are read at once: what is walked right behind that is still in the cache.
const read_bytes = 256 * 1024;
/// Bytes that are read at once behind the range, for a record that goes on there.
const more_bytes = 16 * 1024;

/// Of what somebody may be writing still, so much is walked with each of his bytes.
const live_max = 1 << 20;

/// Why a range could not be worked on.
pub const Failure = enum(u32) { none = 0, out_of_memory = 1, read = 2 };

/// A damaged record among the records of a piece, and where they go on behind it.
pub const Damage = extern struct {
    problem: Problem,
    /// Index of the next entry in `ends`, of the next byte in `bytes`, and that byte's offset in the
    /// source. The first two are 0 unless this is a scan.
    entry: u64,
    byte: u64,
    offset: u64,
};

/// What was made of one range. It belongs to the consumer until he gives it back.
pub const Piece = struct {
    sequence: u64 = 0,
    /// Offset in the source of the first record.
    offset: u64 = 0,
    /// Bytes of the source that are accounted for.
    length: u64 = 0,
    /// The source ends with it.
    is_last: bool = false,
    failure: Failure = .none,
    /// What the system said about a failure to read.
    errno: u32 = 0,
    counts: convert.Counts = .{},
    /// Of a scan the records, without damaged ones, from `first` on; the output of a conversion.
    bytes: Buffer,
    first: usize = 0,
    /// Of a scan: where in `bytes` each entry ends, its kind, and with a plan whether it is wanted.
    ends: std.ArrayList(u32) = .empty,
    kinds: std.ArrayList(u8) = .empty,
    marks: std.ArrayList(u8) = .empty,
    damages: std.ArrayList(Damage) = .empty,

    fn destroy(self: *Piece, gpa: std.mem.Allocator) void {
        self.bytes.deinit();
        self.ends.deinit(gpa);
        self.kinds.deinit(gpa);
        self.marks.deinit(gpa);
        self.damages.deinit(gpa);
        gpa.destroy(self);
    }

    /// As new, but for the memory.
    fn reset(self: *Piece) void {
        self.bytes.clear();
        self.ends.clearRetainingCapacity();
        self.kinds.clearRetainingCapacity();
        self.marks.clearRetainingCapacity();
        self.damages.clearRetainingCapacity();
        self.* = .{ .bytes = self.bytes, .ends = self.ends, .kinds = self.kinds, .marks = self.marks, .damages = self.damages };
    }
};

/// A range that waits for a worker: where it is, or what was pushed.
const Range = struct {
    sequence: u64,
    begin: u64,
    end: u64,
    piece: *Piece = undefined,
    pushed: ?struct { bytes: Buffer, walk: Walk, is_final: bool } = null,
};

/// With offsets of 64 bits everywhere: glibc has another by the plain name where words are of 32.
const pread = if (builtin.target.isGnuLibC()) std.c.pread64 else std.c.pread;

/// What of a range is in memory: `bytes` from `at` on are still to be walked.
const Window = struct {
    bytes: Buffer,
    at: usize = 0,
    /// So many at the front are records that are kept.
    kept: usize = 0,
    /// Offset in the source behind the last of `bytes`.
    end: u64,
    file: ?i32,
    is_final: bool,
    errno: u32 = 0,

    fn rest(self: *const Window) []const u8 {
        return self.bytes.items()[self.at..];
    }

    /// Read `count` bytes more, or what there is of them.
    fn more(self: *Window, count: usize) error{ OutOfMemory, Read }!void {
        // What was pushed holds all that was seen when it was cut off.
        const file = self.file orelse return error.Read;
        try self.bytes.reserve(count);
        var left = count;
        while (left > 0) {
            const target = self.bytes.list.allocatedSlice()[self.bytes.length()..][0..left];
            const got = try self.readAt(file, target);
            if (got == 0) {
                self.is_final = true;
                return;
            }
            self.bytes.list.items.len += got;
            self.end += got;
            left -= got;
        }
    }

    fn readAt(self: *Window, file: i32, target: []u8) error{Read}!usize {
        if (builtin.os.tag == .windows) return error.Read;
        const offset = std.math.cast(std.c.off_t, self.end) orelse return 0;
        while (true) {
            const got = pread(file, target.ptr, target.len, offset);
            if (got >= 0) return @intCast(got);
            const errno = std.c._errno().*;
            if (errno != @backingInt(std.c.E.INTR)) {
                self.errno = @intCast(errno);
                return error.Read;
            }
        }
    }

    /// Keep the next `count` bytes, behind those that are kept already.
    fn keep(self: *Window, count: usize) void {
        if (self.kept < self.at) std.mem.copyForwards(u8, self.bytes.items()[self.kept..], self.rest()[0..count]);
        self.at += count;
        self.kept += count;
    }

    /// Forget what is done with and not kept.
    fn forget(self: *Window) void {
        if (self.kept == self.at) return;
        std.mem.copyForwards(u8, self.bytes.items()[self.kept..], self.rest());
        self.bytes.shrink(self.kept + self.rest().len);
        self.at = self.kept;
    }

    /// Read on in a range that ends at `end`: a quarter more at least than what is in sight, so that
    /// looking at it again takes no more than a few times what looking at it once does.
    fn readOn(self: *Window, end: u64) error{ OutOfMemory, Read }!void {
        const left = end -| self.end;
        const count: usize = if (left == 0) more_bytes else @intCast(@min(left, read_bytes));
        try self.more(@max(count, self.rest().len / 4));
    }
};

/// Waits are in nanoseconds.
pub const Stats = extern struct {
    /// How often and for how long workers waited for room or for bytes.
    worker_waits: u64 = 0,
    worker_wait_time: u64 = 0,
    /// How often and for how long consumers waited for a piece.
    consumer_waits: u64 = 0,
    consumer_wait_time: u64 = 0,
    /// Pieces that are ready, and those that are being made or used.
    ready: u64 = 0,
    in_flight: u64 = 0,
    /// What was handed over to consumers.
    pieces: u64 = 0,
    records: u64 = 0,
    bytes: u64 = 0,
};

pub const Next = union(enum) { piece: *Piece, nothing_yet, wants_input, end, closed };

pub const Pipeline = struct {
    gpa: std.mem.Allocator,
    options: Options,
    threads: std.ArrayList(std.Thread) = .empty,

    // All below is guarded by `mutex`.
    mutex: sync.Mutex = .{},
    /// Workers wait for room, or for bytes to be pushed.
    work: sync.Condition = .{},
    /// Consumers wait for a piece, closers for the first of them.
    done: sync.Condition = .{},
    is_closed: bool = false,
    is_joined: bool = false,
    /// The next range to be claimed, the next piece to be delivered when in order.
    next_range: u64 = 0,
    next_piece: u64 = 0,
    /// There is nothing in ranges from this one on.
    range_count: u64 = std.math.maxInt(u64),
    /// Ranges that are being worked on.
    making: u32 = 0,
    /// All pieces: free, being made, ready, or with a consumer.
    pieces: std.ArrayList(*Piece) = .empty,
    ready: std.ArrayList(*Piece) = .empty,
    /// Pieces to be made something of.
    free: std.ArrayList(*Piece) = .empty,
    /// What was pushed and waits for a worker.
    waiting: std.ArrayList(Range) = .empty,
    stats: Stats = .{},

    // What was pushed and is not cut off yet. Guarded by `push_mutex`, which is taken first.
    push_mutex: sync.Mutex = .{},
    tail: Buffer,
    /// As far as the tail was walked: `position` is that far in the source.
    tail_walk: Walk,
    /// The walk as it was at the tail's first byte.
    tail_begin: Walk,
    /// It is walked again when it has so many bytes.
    tail_due: usize = 0,
    is_pushed_whole: bool = false,

    /// Start the workers. The pipeline stays where it is in memory.
    pub fn init(self: *Pipeline, gpa: std.mem.Allocator, options: Options) error{OutOfMemory}!void {
        const begin = options.conversion.walk(options.start);
        self.* = .{ .gpa = gpa, .options = options, .tail = .{ .gpa = gpa }, .tail_walk = begin, .tail_begin = begin };
        errdefer self.deinit();
        if (options.stop != std.math.maxInt(u64)) {
            const length = options.stop -| options.start;
            self.range_count = length / options.range + @intFromBool(length % options.range != 0);
        }
        // Nothing is allocated while the lock is held.
        try self.pieces.ensureTotalCapacity(gpa, options.capacity);
        try self.ready.ensureTotalCapacity(gpa, options.capacity);
        try self.free.ensureTotalCapacity(gpa, options.capacity);
        try self.waiting.ensureTotalCapacity(gpa, options.capacity);
        for (0..options.capacity) |_| {
            const piece = try gpa.create(Piece);
            piece.* = .{ .bytes = .{ .gpa = gpa } };
            self.pieces.appendAssumeCapacity(piece);
            self.free.appendAssumeCapacity(piece);
        }
        try self.threads.ensureTotalCapacity(gpa, options.workers);
        for (0..options.workers) |_| {
            // With fewer threads than were asked for it works as well.
            self.threads.appendAssumeCapacity(sync.spawn(run, .{self}) catch break);
        }
        if (self.threads.items.len == 0) return error.OutOfMemory;
    }

    /// Stop the workers, once each is through with its range. Any thread may call this at any time.
    pub fn close(self: *Pipeline) void {
        self.mutex.lock();
        const is_first = !self.is_closed;
        self.is_closed = true;
        self.work.broadcast();
        self.done.broadcast();
        while (!is_first and !self.is_joined) self.done.wait(&self.mutex);
        self.mutex.unlock();
        if (!is_first) return;
        for (self.threads.items) |thread| thread.join();
        self.mutex.lock();
        self.is_joined = true;
        self.done.broadcast();
        self.mutex.unlock();
    }

    /// Close, and free everything. Nobody may be using the pipeline, or a piece of it, any more.
    pub fn deinit(self: *Pipeline) void {
        self.close();
        const gpa = self.gpa;
        for (self.pieces.items) |piece| piece.destroy(gpa);
        for (self.waiting.items) |*range| range.pushed.?.bytes.deinit();
        self.pieces.deinit(gpa);
        self.ready.deinit(gpa);
        self.free.deinit(gpa);
        self.waiting.deinit(gpa);
        self.threads.deinit(gpa);
        self.tail.deinit();
        self.mutex.deinit();
        self.push_mutex.deinit();
        self.work.deinit();
        self.done.deinit();
        self.* = undefined;
    }

    // ---- consumers

    /// The next piece, waiting for no longer than so many milliseconds.
    pub fn next(self: *Pipeline, milliseconds: u32) Next {
        self.mutex.lock();
        defer self.mutex.unlock();
        var waited: u64 = 0;
        while (true) {
            if (self.is_closed) return .closed;
            if (self.take()) |piece| return .{ .piece = piece };
            if (self.isAtEnd()) return .end;
            if (self.options.file == null and !self.is_pushed_whole and self.hasRoom()) {
                if (milliseconds == 0 or self.isIdle()) return .wants_input;
            }
            if (waited >= @as(u64, milliseconds) * std.time.ns_per_ms) return .nothing_yet;
            const begin = sync.now();
            self.done.waitFor(&self.mutex, @intCast(milliseconds - waited / std.time.ns_per_ms));
            const time = sync.now() - begin;
            self.stats.consumer_waits += 1;
            self.stats.consumer_wait_time += time;
            waited += @max(time, 1);
        }
    }

    /// A piece that may be delivered now.
    fn take(self: *Pipeline) ?*Piece {
        var index: usize = 0;
        while (index < self.ready.items.len) {
            const piece = self.ready.items[index];
            if (piece.sequence >= self.range_count) {
                // Behind the end, as it turned out.
                _ = self.ready.swapRemove(index);
                self.recycle(piece);
            } else if (!self.options.ordered or piece.sequence == self.next_piece) {
                _ = self.ready.swapRemove(index);
                self.next_piece += 1;
                self.stats.pieces += 1;
                self.stats.records += piece.counts.records_read;
                self.stats.bytes += piece.length;
                return piece;
            } else index += 1;
        }
        return null;
    }

    /// Whether there is nothing more to take, when `take` has found nothing: each range that holds
    /// something was claimed, and none is being worked on. Pieces that were taken cannot be counted
    /// for that: without order some may have been behind an end that nobody knew of yet.
    fn isAtEnd(self: *const Pipeline) bool {
        return self.making == 0 and self.next_range - self.waiting.items.len >= self.range_count;
    }

    /// Whether what is pushed would be taken.
    fn hasRoom(self: *const Pipeline) bool {
        return self.waiting.items.len < self.free.items.len;
    }

    /// Whether nothing is under way.
    fn isIdle(self: *const Pipeline) bool {
        return self.waiting.items.len == 0 and self.free.items.len == self.options.capacity;
    }

    /// Take a piece back.
    pub fn giveBack(self: *Pipeline, piece: *Piece) void {
        self.mutex.lock();
        defer self.mutex.unlock();
        self.recycle(piece);
    }

    fn recycle(self: *Pipeline, piece: *Piece) void {
        self.free.appendAssumeCapacity(piece);
        self.work.signal();
        // Whoever waits to push waits for room, too.
        if (self.options.file == null) self.done.signal();
    }

    pub fn statistics(self: *Pipeline) Stats {
        self.mutex.lock();
        defer self.mutex.unlock();
        var stats = self.stats;
        stats.ready = self.ready.items.len;
        stats.in_flight = self.options.capacity - self.free.items.len;
        return stats;
    }

    // ---- the host's pushing

    /// Add to what was pushed. A range is cut off when there is enough for one, with `flush` or
    /// `final` when there is a record. False: there is no room, nothing was taken.
    pub fn push(self: *Pipeline, bytes: []const u8, flush: bool, final: bool) error{OutOfMemory}!bool {
        self.push_mutex.lock();
        defer self.push_mutex.unlock();
        {
            self.mutex.lock();
            defer self.mutex.unlock();
            if (self.is_closed or self.is_pushed_whole) return true;
            if (!self.hasRoom()) return false;
        }
        try self.tail.append(bytes);
        const due = @max(self.tail_due, if (flush) 0 else self.options.range);
        if (!final and self.tail.length() < due) return true;
        var problem: Problem = .{};
        var walk = self.tail_walk;
        while (true) {
            const at: usize = @intCast(walk.position - self.tail_begin.position);
            const step = walk.next(self.tail.items()[at..], final, &problem) catch continue;
            if (step == .need_more or step == .end) break;
            // Not behind an error alone: whoever walks from here has to meet it.
            self.tail_walk = walk;
        }
        const length: usize = @intCast(self.tail_walk.position - self.tail_begin.position);
        const left = self.tail.length() - length;
        self.tail_due = if (flush and left <= live_max) 0 else left + left / 4;
        if (length == 0 and !final) return true;
        var fresh: Buffer = .{ .gpa = self.gpa };
        errdefer fresh.deinit();
        if (!final) try fresh.append(self.tail.items()[length..]);
        walk = self.tail_begin;
        if (!final) {
            walk.limit = self.tail_walk.position;
            walk.is_exact = true;
        }
        self.mutex.lock();
        defer self.mutex.unlock();
        self.waiting.appendAssumeCapacity(.{
            .sequence = self.next_range,
            .begin = walk.position,
            .end = self.tail_walk.position,
            .pushed = .{ .bytes = self.tail, .walk = walk, .is_final = final },
        });
        self.next_range += 1;
        self.tail = fresh;
        self.tail_begin = self.tail_walk;
        if (final) {
            self.is_pushed_whole = true;
            self.range_count = @min(self.range_count, self.next_range);
            self.work.broadcast();
        } else self.work.signal();
        return true;
    }

    // ---- workers

    fn run(self: *Pipeline) void {
        sync.nameThread("mrrc-ct worker");
        var worker: Worker = undefined;
        worker.init(self);
        defer worker.deinit();
        while (self.claim()) |claimed| {
            var range = claimed;
            worker.work(&range);
            self.finish(range.piece);
        }
    }

    /// The next range to work on; null when there will be none.
    fn claim(self: *Pipeline) ?Range {
        self.mutex.lock();
        defer self.mutex.unlock();
        const options = &self.options;
        while (!self.is_closed) {
            const is_pushed = options.file == null;
            if (if (is_pushed) self.is_pushed_whole and self.waiting.items.len == 0 else self.next_range >= self.range_count) return null;
            if (self.free.items.len > 0 and (!is_pushed or self.waiting.items.len > 0)) {
                var range: Range = undefined;
                if (is_pushed) {
                    range = self.waiting.orderedRemove(0);
                } else {
                    const begin = options.start + self.next_range * options.range;
                    range = .{ .sequence = self.next_range, .begin = begin, .end = @min(begin +| options.range, options.stop) };
                    self.next_range += 1;
                }
                range.piece = self.free.pop().?;
                self.making += 1;
                return range;
            }
            const begin = sync.now();
            self.work.wait(&self.mutex);
            self.stats.worker_waits += 1;
            self.stats.worker_wait_time += sync.now() - begin;
        }
        return null;
    }

    fn finish(self: *Pipeline, piece: *Piece) void {
        self.mutex.lock();
        defer self.mutex.unlock();
        if (piece.is_last or piece.failure != .none) {
            self.range_count = @min(self.range_count, piece.sequence + 1);
            self.work.broadcast();
        }
        self.making -= 1;
        self.ready.appendAssumeCapacity(piece);
        self.done.broadcast();
    }
};

const Worker = struct {
    pipeline: *Pipeline,
    converter: Converter,
    window: Window,
    problem: Problem = .{},

    fn init(self: *Worker, pipeline: *Pipeline) void {
        self.* = .{
            .pipeline = pipeline,
            .converter = undefined,
            .window = .{ .bytes = .{ .gpa = pipeline.gpa }, .end = 0, .file = pipeline.options.file, .is_final = false },
        };
        var conversion = pipeline.options.conversion;
        if (pipeline.options.job == .scan) {
            // Of a damaged record what can be told of it is what counts.
            conversion.is_lenient = true;
            conversion.level = .structural;
        }
        self.converter.init(pipeline.gpa, conversion);
    }

    fn deinit(self: *Worker) void {
        self.converter.deinit();
        self.window.bytes.deinit();
    }

    fn work(self: *Worker, range: *Range) void {
        const piece = range.piece;
        piece.reset();
        piece.sequence = range.sequence;
        piece.offset = range.begin;
        self.process(range, piece) catch |err| {
            piece.errno = self.window.errno;
            piece.failure = switch (err) {
                error.OutOfMemory => .out_of_memory,
                error.Read => .read,
            };
        };
    }

    fn process(self: *Worker, range: *Range, piece: *Piece) error{ OutOfMemory, Read }!void {
        const window = &self.window;
        var walk: Walk = undefined;
        if (range.pushed) |pushed| {
            walk = pushed.walk;
            window.bytes.deinit();
            window.bytes = pushed.bytes;
            window.at = 0;
            window.kept = 0;
            window.end = walk.position + pushed.bytes.length();
            window.is_final = pushed.is_final;
        } else {
            const begin = try self.findBegin(range) orelse {
                piece.is_last = true;
                return;
            };
            if (begin >= range.end) return;
            walk = self.pipeline.options.conversion.walk(begin);
            walk.limit = range.end;
        }
        const start = walk.position;
        piece.offset = start;
        const job = self.pipeline.options.job;
        const first = window.at;
        window.kept = if (job == .scan) first else 0;
        if (job == .convert) try self.convertRecords(&walk, piece) else try self.scanRecords(&walk, piece);
        piece.length = walk.position - start;
        piece.is_last = window.is_final and window.rest().len == 0;
        if (job == .scan) {
            // The records stay where they are.
            std.mem.swap(Buffer, &window.bytes, &piece.bytes);
            piece.first = first;
            piece.bytes.shrink(window.kept);
        }
    }

    /// Where the first record of a range of the file begins, or, when it has none, at least where
    /// it ends; null: the file has none from there on.
    fn findBegin(self: *Worker, range: *const Range) error{ OutOfMemory, Read }!?u64 {
        const window = &self.window;
        // Back to a byte that is no line end, which tells whether a record begins right here.
        var back: u64 = 64;
        while (true) : (back *= 2) {
            const start = range.begin -| back;
            window.bytes.clear();
            window.at = 0;
            window.kept = 0;
            window.end = start;
            window.is_final = false;
            try window.more(@intCast(range.begin - start));
            if (window.is_final) return null;
            const is_gap = for (window.bytes.items()) |byte| {
                if (!iso2709.isGap(byte)) break false;
            } else true;
            if (!is_gap or start == 0 or back > iso2709.gap_max) break;
        }
        var from = window.bytes.length();
        var is_start = window.end == from;
        try window.readOn(range.end);
        while (true) {
            const first = window.end - window.bytes.length();
            switch (walk_module.findBoundary(window.bytes.items(), from, is_start, window.is_final)) {
                .at => |at| {
                    window.at = at;
                    return first + at;
                },
                .none => return null,
                .need_more => |useless| {
                    // A record that begins behind the range is another's.
                    if (first + useless >= range.end) return range.end;
                    window.at = useless;
                    window.forget();
                    from -|= useless;
                    is_start = is_start and useless == 0;
                    try window.readOn(range.end);
                },
            }
        }
    }

    fn scanRecords(self: *Worker, walk: *Walk, piece: *Piece) error{ OutOfMemory, Read }!void {
        const window = &self.window;
        const is_kept = self.pipeline.options.job == .scan;
        const first = window.at;
        const counts = &piece.counts;
        while (true) {
            const step = walk.next(window.rest(), window.is_final, &self.problem) catch {
                if (walk.is_lenient) continue;
                self.problem.records_before = counts.records_read + piece.damages.items.len;
                self.problem.byte_offset = walk.position;
                self.problem.look(window.rest());
                self.problem.setControlNumber(iso2709.controlNumber(window.rest()));
                try self.note(piece, walk.position, if (is_kept) window.kept - first else 0);
                continue;
            };
            switch (step) {
                .record => |frame| {
                    counts.records_read += 1;
                    const record = window.rest()[0..frame.length];
                    if (!is_kept) {
                        window.at += frame.length;
                        continue;
                    }
                    var kind = walk_module.kindOf(record, frame, false, false);
                    if (walk.is_lenient) kind = walk_module.lenientKind(record, frame, kind, walk.validation);
                    try self.match(piece, record, walk.position - frame.length);
                    try self.keep(piece, first, frame.length, kind);
                },
                .gap => |length| {
                    counts.bytes_between += length;
                    if (is_kept) {
                        try self.match(piece, "", 0);
                        try self.keep(piece, first, length, @backingInt(walk_module.Kind.gap));
                    } else {
                        window.at += length;
                    }
                },
                .damage => |length| if (walk.is_lenient and is_kept) {
                    counts.records_read += 1;
                    try self.match(piece, window.rest()[0..length], walk.position - length);
                    try self.keep(piece, first, length, @backingInt(walk_module.Kind.damaged));
                } else {
                    window.at += length;
                    counts.bytes_skipped += length;
                    const damages = piece.damages.items;
                    if (damages.len > 0) damages[damages.len - 1].offset = walk.position else piece.offset = walk.position;
                },
                .need_more => {
                    window.forget();
                    try window.readOn(walk.limit);
                },
                .end => break,
            }
        }
    }

    fn convertRecords(self: *Worker, walk: *Walk, piece: *Piece) error{ OutOfMemory, Read }!void {
        const window = &self.window;
        const converter = &self.converter;
        std.mem.swap(Buffer, &converter.out, &piece.bytes);
        defer {
            std.mem.swap(Buffer, &converter.out, &piece.bytes);
            piece.counts = converter.counts;
            walk.* = converter.walk;
        }
        converter.restart();
        converter.out.clear();
        converter.position = walk.position;
        converter.walk = walk.*;
        while (true) {
            var consumed: usize = 0;
            const status = try converter.go(window.rest(), window.is_final, std.math.maxInt(usize), &consumed);
            window.at += consumed;
            switch (status) {
                .done => return,
                .problem => {
                    self.problem = converter.problem;
                    try self.note(piece, converter.position, 0);
                },
                .need_input, .output => {
                    window.forget();
                    try window.readOn(walk.limit);
                },
            }
        }
    }

    /// Put into the piece whether the next record is wanted; what stands between two is not.
    fn match(self: *Worker, piece: *Piece, record: []const u8, offset: u64) error{OutOfMemory}!void {
        if (self.converter.options.plan == null) return;
        const is_wanted = record.len > 0 and try self.converter.wants(record, 0, offset);
        try piece.marks.append(self.pipeline.gpa, @intFromBool(is_wanted));
    }

    /// Put the next `length` bytes into the piece.
    fn keep(self: *Worker, piece: *Piece, first: usize, length: usize, kind: u8) error{OutOfMemory}!void {
        self.window.keep(length);
        try piece.ends.append(self.pipeline.gpa, @intCast(self.window.kept - first));
        try piece.kinds.append(self.pipeline.gpa, kind);
    }

    /// Put the problem down in the piece.
    fn note(self: *Worker, piece: *Piece, offset: u64, byte: usize) error{OutOfMemory}!void {
        try piece.damages.append(self.pipeline.gpa, .{
            .problem = self.problem,
            .entry = piece.ends.items.len,
            .byte = byte,
            .offset = offset,
        });
    }
};

const testing = std.testing;
const sample = "00062nam a2200049 a 4500" ++ "001000300000" ++ "245000900003" ++ "\x1e" ++
    "42\x1e" ++ "10\x1faOdes\x1e" ++ "\x1d";

const Told = struct { records: u64 = 0, problems: u64 = 0, bytes: u64 = 0, hash: u64 = 0 };

/// Take all pieces, with several threads, and add up what they say.
fn drain(pipeline: *Pipeline, told: *Told, mutex: *sync.Mutex) void {
    while (true) switch (pipeline.next(20)) {
        .piece => |piece| {
            mutex.lock();
            told.records += piece.counts.records_read;
            told.problems += piece.damages.items.len;
            told.bytes += piece.length;
            for (piece.damages.items) |damage| told.hash +%= damage.problem.byte_offset *% 31 +% damage.problem.code;
            mutex.unlock();
            pipeline.giveBack(piece);
        },
        .nothing_yet, .wants_input => {},
        .end, .closed => return,
    };
}

test "several consumers get each piece once, however it is pushed and closed" {
    const gpa = testing.allocator;
    const damaged = sample ++ "\n" ++ "0x" ++ sample[2..] ++ sample ++ "junk" ++ sample;
    const code = @backingInt(@import("problem.zig").Code.record_length_invalid);
    var hash: u64 = 0;
    for (0..20) |index| for ([_]usize{ 63, 187 }) |at| {
        hash +%= (index * damaged.len + at) * 31 + code;
    };
    for ([_]Job{ .count, .scan, .convert }) |job| for ([_]bool{ true, false }) |ordered| for ([_]usize{ 7, 64, 300 }) |size| {
        var pipeline: Pipeline = undefined;
        try pipeline.init(gpa, .{
            .job = job,
            .conversion = .{ .source = .marc, .target = .jsonl },
            .workers = 3,
            .capacity = 4,
            .ordered = ordered,
            .range = 100,
            .start = 0,
            .stop = std.math.maxInt(u64),
            .file = null,
        });
        defer pipeline.deinit();
        var told: Told = .{};
        var mutex: sync.Mutex = .{};
        defer mutex.deinit();
        const consumers = [_]std.Thread{
            try sync.spawn(drain, .{ &pipeline, &told, &mutex }),
            try sync.spawn(drain, .{ &pipeline, &told, &mutex }),
        };
        for (0..20) |_| {
            var at: usize = 0;
            while (at < damaged.len) {
                const end = @min(at + size, damaged.len);
                if (try pipeline.push(damaged[at..end], size == 64, false)) at = end;
            }
        }
        while (!try pipeline.push("", false, true)) {}
        for (consumers) |thread| thread.join();
        // The record without a length is lost; the junk is told of, too.
        try testing.expectEqual(Told{ .records = 60, .problems = 40, .bytes = 20 * damaged.len, .hash = hash }, told);
    };
}

/// A file without a name, with these bytes in it.
fn fileWith(bytes: []const u8) !i32 {
    var name = "/tmp/mrrc-ct-XXXXXX".*;
    const file = mkstemp(&name);
    if (file < 0) return error.SkipZigTest;
    _ = std.c.unlink(&name);
    try testing.expectEqual(@as(isize, @intCast(bytes.len)), std.c.write(file, bytes.ptr, bytes.len));
    return file;
}

extern "c" fn mkstemp(name: [*:0]u8) c_int;

test "a file gives the same in ranges of any size, and can be closed at any time" {
    if (builtin.os.tag == .windows) return error.SkipZigTest;
    const gpa = testing.allocator;
    var dice: std.Random.DefaultPrng = .init(7);
    const random = dice.random();
    var bytes: std.ArrayList(u8) = .empty;
    defer bytes.deinit(gpa);
    for (0..300) |_| {
        const start = bytes.items.len;
        try bytes.appendSlice(gpa, sample);
        switch (random.uintLessThan(u8, 12)) {
            0 => bytes.items[start + random.uintLessThan(usize, sample.len)] = random.int(u8),
            1 => try bytes.appendSlice(gpa, "\r\n"),
            2 => bytes.shrinkRetainingCapacity(start + random.uintLessThan(usize, sample.len)),
            else => {},
        }
    }
    const file = try fileWith(bytes.items);
    defer _ = std.c.close(file);
    var expected: ?Told = null;
    for (0..60) |turn| {
        const is_closed_early = turn % 3 == 2;
        var pipeline: Pipeline = undefined;
        try pipeline.init(gpa, .{
            .job = @fromBackingInt(@as(u32, @intCast(turn % 3))),
            .conversion = .{ .source = .marc, .target = .jsonl },
            .workers = if (turn == 0) 1 else 1 + random.uintLessThan(u32, 4),
            .capacity = 1 + random.uintLessThan(u32, 5),
            .ordered = random.boolean(),
            .range = if (turn == 0) 1 << 20 else 1 + random.uintLessThan(u64, 3000),
            .start = 0,
            .stop = std.math.maxInt(u64),
            .file = file,
        });
        defer pipeline.deinit();
        var told: Told = .{};
        var mutex: sync.Mutex = .{};
        defer mutex.deinit();
        const consumers = [_]std.Thread{
            try sync.spawn(drain, .{ &pipeline, &told, &mutex }),
            try sync.spawn(drain, .{ &pipeline, &told, &mutex }),
        };
        if (is_closed_early) {
            const until = sync.now() + random.uintLessThan(u64, 300_000);
            while (sync.now() < until) std.atomic.spinLoopHint();
            pipeline.close();
        }
        for (consumers) |thread| thread.join();
        if (is_closed_early) continue;
        // The first was one range, walked by one thread.
        if (expected) |one| try testing.expectEqual(one, told) else expected = told;
    }
    try testing.expect(expected.?.records > 200 and expected.?.problems > 20);
}

test "what cannot be read is told in its place, and is the end" {
    if (builtin.os.tag == .windows) return error.SkipZigTest;
    var pipeline: Pipeline = undefined;
    try pipeline.init(testing.allocator, .{
        .job = .scan,
        .conversion = .{ .source = .marc, .target = .flat },
        .workers = 2,
        .capacity = 3,
        .ordered = true,
        .range = 10,
        .start = 0,
        .stop = std.math.maxInt(u64),
        .file = 1 << 20,
    });
    defer pipeline.deinit();
    const piece = while (true) switch (pipeline.next(20)) {
        .piece => |piece| break piece,
        else => |other| try testing.expectEqual(Next.nothing_yet, other),
    };
    try testing.expectEqual(Failure.read, piece.failure);
    try testing.expectEqual(@as(u32, @backingInt(std.c.E.BADF)), piece.errno);
    pipeline.giveBack(piece);
    try testing.expectEqual(Next.end, pipeline.next(20));
}

test "a pipeline that nobody reads from can be closed" {
    var pipeline: Pipeline = undefined;
    try pipeline.init(testing.allocator, .{
        .job = .scan,
        .conversion = .{ .source = .marc, .target = .flat },
        .workers = 2,
        .capacity = 2,
        .ordered = true,
        .range = 10,
        .start = 0,
        .stop = std.math.maxInt(u64),
        .file = null,
    });
    defer pipeline.deinit();
    for (0..10) |_| _ = try pipeline.push(sample, true, false);
    pipeline.close();
    try testing.expectEqual(Next.closed, pipeline.next(1));
}

test "a piece that is not given back goes with the pipeline" {
    var pipeline: Pipeline = undefined;
    try pipeline.init(testing.allocator, .{
        .job = .scan,
        .conversion = .{ .source = .marc, .target = .flat },
        .workers = 1,
        .capacity = 2,
        .ordered = true,
        .range = 1000,
        .start = 0,
        .stop = std.math.maxInt(u64),
        .file = null,
    });
    defer pipeline.deinit();
    try testing.expect(try pipeline.push(sample, true, true));
    while (pipeline.next(20) != .piece) {}
}
