//! Targets for a fuzzer: each takes an input of any bytes, calls the exported functions as a program
//! would, and panics when what comes back breaks a promise. `fuzz.sh` links them with libFuzzer;
//! `zig run -lc -O safe zig/fuzz.zig -- FILE...` runs the files one after the other, each for
//! the target that its folder is named for. `fuzz/TARGET` holds the seeds and what was found.

const builtin = @import("builtin");
const std = @import("std");
const abi = @import("abi.zig");
const arrow = @import("arrow.zig");
const memory = @import("fuzz_memory.zig");
const regex = @import("regex.zig");
const Code = @import("problem.zig").Code;
const Status = abi.Status;

/// The core's allocator, see `abi.zig`.
pub const core_allocator = memory.allocator;
const gpa = std.heap.c_allocator;

const flag_final = 1;
const flag_restart = 2;
const flag_start = 4;
const flag_closely = 8;
const flag_strict_marc = 256;
const flag_utf8 = 16;
const flag_lenient = 64;
const flag_searching = 128;

/// A target for each field. Its input begins with a few bytes that choose options, digits in the
/// seeds, and goes on with the bytes to work on.
const targets = struct {
    pub fn scan(input: *Input) void {
        const choice: u32 = input.choice(8);
        const flags = flag_closely * (choice & 1) | flag_utf8 * (choice >> 1 & 1) | flag_strict_marc * (choice >> 2);
        const capacity = 1 + @as(usize, input.number());
        const chunks = input.chunks();
        const whole = walk(input.rest, flags, entries_max, .{});
        defer whole.deinit();
        const parts = walk(input.rest, flags, capacity, chunks);
        defer parts.deinit();
        expect(std.mem.eql(u8, std.mem.sliceAsBytes(whole.entries.items), std.mem.sliceAsBytes(parts.entries.items)), "a scan in parts finds something else");
    }

    pub fn boundary(input: *Input) void {
        const is_start = input.choice(2) == 1;
        const from = @as(usize, input.number()) * input.number();
        const chunks = input.chunks();
        const bytes = input.rest;
        if (from > bytes.len) return;
        const found = findBoundary(bytes, from, is_start, .{});
        expect(found >= from and found <= bytes.len, "a boundary before the place that was asked for");
        expect(found == findBoundary(bytes, from, is_start, chunks), "a search in parts finds another boundary");
        if (!is_start or found == bytes.len) return;
        const way = walk(bytes, 0, entries_max, .{});
        defer way.deinit();
        const is_met = found == 0 or for (way.entries.items) |entry| {
            if (entry.end == found) break true;
        } else false;
        expect(is_met, "a walk from the start does not come to a boundary");
    }

    pub fn assemble(input: *Input) void {
        joined(input.rest);
        const record = assembled(input.rest) orelse return;
        expect(record.len == input.rest.len, "an assembled record has another length");
        const way = walk(record, 0, entries_max, .{});
        defer way.deinit();
        expect(way.entries.items.len == 1 and way.entries.items[0].code == 0, "an assembled record is not sound");
        const copy = gpa.dupeSentinel(u8, record, 0) catch unreachable;
        defer gpa.free(copy);
        expect(std.mem.eql(u8, copy, assembled(copy) orelse ""), "a record assembled again is another");
        // The first field gets what the input begins with.
        const changes = gpa.dupeSentinel(u8, input.rest[0..@min(input.rest.len, 30)], 0) catch unreachable;
        defer gpa.free(changes);
        if (copy.len > 36) @memcpy(changes[0..3], copy[24..27]);
        changes[changes.len - 1] = 0x1e;
        const changed = abi.mrrc_replace(&assembly, copy.ptr, changes.ptr) orelse return;
        const changed_way = walk(std.mem.span(changed), 0, entries_max, .{});
        defer changed_way.deinit();
        expect(changed_way.entries.items.len == 1 and changed_way.entries.items[0].code == 0, "a changed record is not sound");
    }

    /// The buffers are as long as they have to be, and no longer.
    pub fn apart(input: *Input) void {
        const bytes = memory.show(input.rest);
        const target = gpa.alloc(u8, bytes.len) catch unreachable;
        defer gpa.free(target);
        var tags: [1024]u8 = undefined;
        const records = std.mem.count(u8, bytes, "\x1d");
        const stops = gpa.alloc(u32, records) catch unreachable;
        defer gpa.free(stops);
        const end = abi.mrrc_take_apart(bytes.ptr, bytes.len, target.ptr, stops.ptr, stops.len, &tags);
        const queries = [_][]const u8{ "245ab", "001 245", "LOCcba 008 245" };
        const asked = queries[bytes.len % queries.len];
        const answers = gpa.alloc(u8, (1 + std.mem.count(u8, asked, " ")) * bytes.len) catch unreachable;
        defer gpa.free(answers);
        var answered: u64 = 0;
        _ = abi.mrrc_ask(bytes.ptr, bytes.len, asked.ptr, asked.len, 1, answers.ptr, &answered);
        const status = abi.mrrc_ask(bytes.ptr, bytes.len, asked.ptr, asked.len, 0, answers.ptr, &answered);
        const shape = gpa.alloc(u8, bytes.len) catch unreachable;
        defer gpa.free(shape);
        const shaped = abi.mrrc_shapes(bytes.ptr, bytes.len, shape.ptr);
        if (shaped >= 0) {
            for ("\x1d\x1e") |mark| {
                // The directory's 1E is left out.
                const left_out = if (mark == '\x1e') records else 0;
                const count = std.mem.count(u8, shape[0..@intCast(shaped)], &.{mark});
                expect(count + left_out == std.mem.count(u8, bytes, &.{mark}), "a shape has other fields or records");
            }
        }
        if (end < 0) return;
        expect(shaped >= 0, "records can be taken apart and have no shape");
        expect(statusOf(status) == .done, "records can be taken apart and not be asked");
        expect(end >= 32 and end <= 256, "there is no such number of a tag");
        var answer = std.mem.splitScalar(u8, answers[0..answered], '\x1d');
        var start: usize = 0;
        for (stops) |stop| {
            const text = target[start..stop];
            start = stop + 1;
            expect(target[stop] == '\x1d', "a record does not end with 1D");
            const numbers = std.mem.indexOfScalar(u8, text, '\x1e') orelse 0;
            expect(text.len == 0 or std.mem.count(u8, text, "\x1e") == numbers + 1, "each field has a value");
            for (text[0..numbers]) |number| expect(number < 10 or (number >= 32 and number < end), "a tag has no such number");
            expect(std.mem.count(u8, answer.next() orelse "", "\x1e") == std.mem.count(u8, asked, " "), "each query has an answer");
        }
        expect(answer.next().?.len == 0, "there is more than there are records");
    }

    pub fn marc8(input: *Input) void {
        const finals = [_]u32{ 0x42, 0x45, 0x53, 0x4e, 0x51, 0x32, 0x33, 0x34, 0x62, 0x70, 0x67, 0x31 };
        const sets: abi.Sets = .{ .g0 = finals[input.choice(finals.len)], .g1 = finals[input.choice(finals.len)] };
        var options: abi.Options = plain(.marc, .flat);
        options.references = input.choice(2);
        options.replacement = input.replacement();
        const failing = input.number();
        const converter: Converter = .init(options);
        defer converter.deinit();
        // The first time memory may run out, which leaves nothing behind.
        memory.failing = failing;
        _ = decode(converter, input.rest, sets);
        memory.failing = 0;
        const text = gpa.dupe(u8, decode(converter, input.rest, sets) orelse return) catch unreachable;
        defer gpa.free(text);
        expect(std.unicode.utf8ValidateSlice(text), "decoded MARC-8 is not UTF-8");
        expect(std.mem.eql(u8, text, decode(converter, input.rest, sets) orelse ""), "MARC-8 decoded again is another text");
    }

    pub fn marc(input: *Input) void {
        conversion(input, .marc);
    }

    pub fn marcxml(input: *Input) void {
        conversion(input, .marcxml);
    }

    pub fn json(input: *Input) void {
        conversion(input, ([_]abi.Format{ .json, .jsonl, .marcjson })[input.choice(3)]);
    }

    pub fn mrk(input: *Input) void {
        conversion(input, .mrk);
    }

    pub fn seq(input: *Input) void {
        conversion(input, .seq);
    }

    pub fn flat(input: *Input) void {
        conversion(input, .flat);
    }

    /// A program, then records, which are also taken for rows.
    pub fn plan(input: *Input) void {
        const length = @as(usize, input.number()) * 16 + input.number();
        const failing = input.number();
        const choice = input.choice(6);
        const program = input.rest[0..@min(length, input.rest.len)];
        const records = input.rest[program.len..];
        // The first time memory may run out, which leaves nothing behind.
        memory.failing = failing;
        planned(program, records, choice, failing > 0);
        memory.failing = 0;
        planned(program, records, choice, false);
    }

    pub fn regex(input: *Input) void {
        const length = input.number();
        const failing = input.number();
        const pattern = input.rest[0..@min(length, input.rest.len)];
        const text = input.rest[pattern.len..];
        memory.failing = failing;
        _ = matches(pattern, text);
        memory.failing = 0;
        const is_match = matches(pattern, text) orelse return;
        // The same with something that never matches, which may begin with any character anywhere:
        // nothing is skipped then.
        const flag: []const u8 = if (std.mem.startsWith(u8, pattern, "(?i)")) "(?i)" else "";
        const slow = std.mem.concat(gpa, u8, &.{ flag, "(?:", pattern[flag.len..], ")|.\\A" }) catch unreachable;
        defer gpa.free(slow);
        const is_slow_match = matches(slow, text) orelse return;
        if (std.unicode.utf8ValidateSlice(text)) expect(is_match == is_slow_match, "what is skipped matters");
    }
};

fn expect(is_kept: bool, comptime promise: []const u8) void {
    if (!is_kept) @panic(promise);
}

fn statusOf(number: i32) Status {
    return std.enums.fromInt(Status, number) orelse @panic("a status that there is not");
}

/// Sizes of the parts in which bytes are shown, in turn; 0: all at once.
const Chunks = struct {
    sizes: [2]u8 = .{ 0, 0 },
    /// The end is told by itself, behind the last byte.
    is_end_late: bool = false,
    turn: usize = 0,

    /// How many of `length` bytes to show when so many have been shown.
    fn next(self: *Chunks, shown: usize, length: usize) usize {
        const size = self.sizes[self.turn % 2];
        self.turn += 1;
        // Small parts of a long input would take for ever.
        if (size == 0 or self.turn > 64) return length;
        return @min(shown + size, length);
    }
};

/// The bytes of an input, taken from the front.
const Input = struct {
    rest: []const u8,

    /// A number that the digit 0 stands for as 0, 1 as 1 and so on.
    fn number(self: *Input) u8 {
        if (self.rest.len == 0) return 0;
        defer self.rest = self.rest[1..];
        return self.rest[0] -% '0';
    }

    fn choice(self: *Input, comptime count: u8) u8 {
        return self.number() % count;
    }

    fn chunks(self: *Input) Chunks {
        return .{ .sizes = .{ self.number(), self.number() }, .is_end_late = self.choice(2) == 1 };
    }

    fn replacement(self: *Input) u32 {
        return ([_]u32{ 0, 0xfffd, '?', '<', '\\', '{', 0x301, 0x10ffff, 1, 0x1b })[self.choice(10)];
    }
};

// ---- walking

const entries_max = 4096;

/// What a walk comes to. Neighbouring gaps are one.
const Entry = extern struct { end: u64, code: u32 = 0, kind: u32 = 0 };

const Way = struct {
    entries: std.ArrayList(Entry) = .empty,

    fn deinit(self: Way) void {
        var entries = self.entries;
        entries.deinit(gpa);
    }

    fn add(self: *Way, entry: Entry) void {
        const items = self.entries.items;
        const gap = @backingInt(abi.Kind.gap);
        if (items.len > 0 and entry.kind == gap and items[items.len - 1].kind == gap) {
            items[items.len - 1].end = entry.end;
        } else self.entries.append(gpa, entry) catch unreachable;
    }
};

// Not on the stack: that is filled with something each time.
var ends: [entries_max]u32 = undefined;
var kinds: [entries_max]u8 = undefined;

/// All records and damages of `bytes`, by mrrc_scan and mrrc_resync.
fn walk(bytes: []const u8, flags: u32, capacity: usize, parts: Chunks) Way {
    var way: Way = .{};
    var chunks = parts;
    var at: usize = 0;
    var shown = chunks.next(0, bytes.len);
    var is_final = shown == bytes.len and !chunks.is_end_late;
    var is_lost = false;
    var searching: u32 = 0;
    var calls: usize = 0;
    while (true) {
        calls += 1;
        expect(calls <= 4 * bytes.len + 100, "a walk does not come to its end");
        const window = memory.show(bytes[at..shown]);
        const final: u32 = if (is_final) flag_final else 0;
        const status = if (is_lost) resync: {
            var skip: u64 = 0;
            const status = statusOf(abi.mrrc_resync(window.ptr, window.len, final | searching, &skip));
            if (skip > 0) searching = flag_searching;
            expect(status == .done or status == .need_input, "mrrc_resync does not come back with that");
            expect(skip <= window.len, "more is left out than there is");
            at += skip;
            if (status == .done) {
                is_lost = false;
                way.entries.items[way.entries.items.len - 1].end = at;
            }
            break :resync status;
        } else scan: {
            var result: abi.Scan = .{};
            var problem: abi.Problem = .{};
            const start: u32 = if (at == 0) flag_start else 0;
            const status = statusOf(abi.mrrc_scan(window.ptr, window.len, flags | final | start, 0, &ends, &kinds, capacity, &result, &problem));
            expect(result.count <= capacity and result.records <= result.count, "more entries than there is room for");
            var end: u64 = 0;
            for (ends[0..result.count], kinds[0..result.count]) |next, kind| {
                expect(next > end and next <= window.len, "an entry does not end behind the one before");
                end = next;
                way.add(.{ .end = at + end, .kind = kind });
            }
            expect(end == result.consumed, "the last entry does not end where the scan does");
            at += end;
            switch (status) {
                .done => {
                    expect(is_final and at == bytes.len, "a scan is done before the end");
                    return way;
                },
                .problem => {
                    expectProblem(&problem, window.len - end);
                    is_lost = true;
                    searching = 0;
                    way.add(.{ .end = 0, .code = problem.code });
                },
                .output => expect(result.count == capacity, "a scan stops for no reason"),
                .need_input => {},
                else => @panic("mrrc_scan does not come back with that"),
            }
            break :scan status;
        };
        if (status != .need_input) continue;
        expect(!is_final, "more is asked for behind the end");
        if (shown == bytes.len) is_final = true;
        shown = chunks.next(shown, bytes.len);
        if (shown == bytes.len and !chunks.is_end_late) is_final = true;
    }
}

/// The place that mrrc_find_boundary finds when it is shown more and more, and no longer what it
/// has no use for.
fn findBoundary(bytes: []const u8, from: usize, is_start: bool, parts: Chunks) usize {
    var chunks = parts;
    var at: usize = 0;
    var shown = chunks.next(from, bytes.len);
    while (true) {
        const is_final = shown == bytes.len;
        var flags: u32 = if (is_final) flag_final else 0;
        if (is_start and at == 0) flags |= flag_start;
        const window = memory.show(bytes[at..shown]);
        var found: u64 = 0;
        const status = statusOf(abi.mrrc_find_boundary(window.ptr, window.len, from -| at, flags, &found));
        expect(found <= window.len, "a boundary behind the end");
        if (status == .done and (is_final or found < window.len)) return at + @as(usize, @intCast(found));
        expect(status == .need_input and !is_final, "mrrc_find_boundary does not come back with that");
        at += @intCast(found);
        shown = chunks.next(shown, bytes.len);
    }
}

fn expectProblem(problem: *const abi.Problem, length: usize) void {
    expect(problem.code != 0, "a problem without a code");
    expect(problem.offset_in_record <= length, "a problem behind the end");
    expect(problem.detail_length > 0 and problem.detail_length <= problem.detail.len, "a problem without words");
    expect(std.unicode.utf8ValidateSlice(problem.detail[0..problem.detail_length]), "a problem in no words");
    expect(problem.found_length <= problem.found.len, "a problem that was found where there is no room");
}

/// The same but for `found`, of which there is no more than what was shown.
fn isSame(one: abi.Problem, other: abi.Problem) bool {
    const found_length = @min(one.found_length, other.found_length);
    return one.code == other.code and one.records_before == other.records_before and
        one.byte_offset == other.byte_offset and one.offset_in_record == other.offset_in_record and
        one.has_tag == other.has_tag and (one.has_tag == 0 or std.mem.eql(u8, &one.tag, &other.tag)) and
        std.mem.eql(u8, one.detail[0..one.detail_length], other.detail[0..other.detail_length]) and
        std.mem.eql(u8, one.found[0..found_length], other.found[0..found_length]);
}

fn print(problem: *const abi.Problem) void {
    std.debug.print("{t} in record {d} at {d} and {d}: {s} ({x})\n", .{
        std.enums.fromInt(Code, problem.code).?, problem.records_before,                   problem.byte_offset,
        problem.offset_in_record,                problem.detail[0..problem.detail_length], problem.found[0..problem.found_length],
    });
}

var assembly: [100_000]u8 = undefined;

/// What can be joined is a record, the same in both forms.
fn joined(bytes: []const u8) void {
    const text = gpa.dupeSentinel(u8, bytes, 0) catch unreachable;
    defer gpa.free(text);
    const parts = std.mem.span(text.ptr);
    const fields: u32 = @intCast(std.mem.count(u8, parts, "\x1e"));
    const delimiters: u32 = @intCast(std.mem.count(u8, parts, "\x1f"));
    const flat = gpa.dupe(u8, std.mem.span(abi.mrrc_join(&assembly, text.ptr, fields, delimiters, 1) orelse return)) catch unreachable;
    defer gpa.free(flat);
    const record = std.mem.span(abi.mrrc_join(&assembly, text.ptr, fields, delimiters, 0) orelse return);
    const copy = gpa.dupe(u8, record) catch unreachable;
    defer gpa.free(copy);
    expect(std.mem.eql(u8, copy, assembled(flat) orelse ""), "a joined record is another than its flat form");
}

fn assembled(bytes: []const u8) ?[]const u8 {
    const window = memory.show(bytes);
    const record = abi.mrrc_assemble(window.ptr, @intCast(window.len), &assembly) orelse return null;
    return std.mem.span(record);
}

// ---- converting

const Converter = struct {
    handle: ?*anyopaque = null,

    fn init(options: abi.Options) Converter {
        var self: Converter = .{};
        expect(statusOf(abi.mrrc_converter_create(&options, &self.handle)) == .done, "a converter cannot be made");
        return self;
    }

    fn deinit(self: Converter) void {
        abi.mrrc_converter_destroy(self.handle);
    }

    /// Show `bytes`, as a stream of its own, and gather what comes.
    fn run(self: Converter, bytes: []const u8, parts: Chunks) Run {
        var result: Run = .{};
        var chunks = parts;
        var at: usize = 0;
        var shown = chunks.next(0, bytes.len);
        var is_final = shown == bytes.len and !chunks.is_end_late;
        var restart: u32 = flag_restart;
        var calls: usize = 0;
        while (true) {
            calls += 1;
            expect(calls <= 4 * bytes.len + 100, "a conversion does not come to its end");
            const window = memory.show(bytes[at..shown]);
            var output: abi.Output = .{};
            var problem: abi.Problem = .{};
            const final: u32 = if (is_final) flag_final else 0;
            const status = statusOf(abi.mrrc_convert(self.handle, window.ptr, window.len, restart | final, &output, &problem));
            restart = 0;
            expect(output.consumed <= window.len, "more is done with than there is");
            at += @intCast(output.consumed);
            if (output.length > 0) result.out.appendSlice(gpa, output.bytes.?[0..@intCast(output.length)]) catch unreachable;
            switch (status) {
                .need_input => expect(!is_final, "more is asked for behind the end"),
                .output => expect(output.length > 0, "no output"),
                .problem => {
                    expectProblem(&problem, bytes.len);
                    expect(problem.byte_offset <= bytes.len, "a problem behind the end");
                    result.problems.append(gpa, problem) catch unreachable;
                },
                .done => {
                    expect(is_final and at == bytes.len, "a conversion is done before the end");
                    result.counts = output.counts;
                    const again = abi.mrrc_convert(self.handle, null, 0, flag_final, &output, &problem);
                    expect(statusOf(again) == .done and output.length == 0, "a conversion goes on behind its end");
                    return result;
                },
                .out_of_memory => {
                    result.is_out_of_memory = true;
                    return result;
                },
                else => @panic("mrrc_convert does not come back with that"),
            }
            if (status != .need_input) continue;
            if (shown == bytes.len) is_final = true;
            shown = chunks.next(shown, bytes.len);
            if (shown == bytes.len and !chunks.is_end_late) is_final = true;
        }
    }
};

/// What came of a conversion.
const Run = struct {
    out: std.ArrayList(u8) = .empty,
    problems: std.ArrayList(abi.Problem) = .empty,
    counts: abi.Counts = .{},
    is_out_of_memory: bool = false,

    fn deinit(self: *Run) void {
        self.out.deinit(gpa);
        self.problems.deinit(gpa);
    }

    fn expectSame(self: *const Run, other: *const Run, comptime promise: []const u8) void {
        expect(std.mem.eql(u8, self.out.items, other.out.items), promise ++ ": output");
        const pair = [_][]const abi.Problem{ self.problems.items, other.problems.items };
        for (0..@max(pair[0].len, pair[1].len)) |index| {
            if (index < @min(pair[0].len, pair[1].len) and isSame(pair[0][index], pair[1][index])) continue;
            for ([_][]const u8{ "at once", "then" }, pair) |when, problems| {
                std.debug.print("{s}: {d} problems\n", .{ when, problems.len });
                if (index < problems.len) print(&problems[index]);
            }
            @panic(promise ++ ": problems");
        }
        expect(std.meta.eql(self.counts, other.counts), promise ++ ": counts");
    }
};

/// Nothing but the formats.
fn plain(source: abi.Format, target: abi.Format) abi.Options {
    return .{
        .source = @backingInt(source),
        .target = @backingInt(target),
        .source_encoding = 0,
        .target_encoding = 0,
        .unmappable = 0,
        .references = 0,
        .replace_forbidden = 0,
        .replacement = 0,
        .is_lenient = 0,
        .is_single = 0,
        .is_part = 0,
        .level = 0,
        .normalization = 0,
        .record_max = 0,
        .plan = null,
        .written_max = 0,
        .records_before = 0,
        .position = 0,
    };
}

/// What is converted to.
const written = [_]abi.Format{ .marc, .marcxml, .json, .jsonl, .marcjson, .mrk, .flat, .pymarc_xml, .pymarc_json, .pymarc_json_compact, .seq, .line };

fn conversion(input: *Input, source: abi.Format) void {
    const target = written[input.choice(written.len)];
    var options = plain(source, target);
    options.source_encoding = input.choice(4);
    options.target_encoding = input.choice(4);
    options.unmappable = input.choice(3);
    const switches = input.number();
    options.references = switches & 1;
    options.replace_forbidden = switches & 2;
    options.is_single = switches & 4;
    options.is_part = switches & 8;
    options.is_lenient = switches & 16;
    options.level = switches >> 5 & 1;
    options.normalization = (switches >> 6) % 3;
    options.replacement = input.replacement();
    const failing = input.number();
    const chunks = input.chunks();
    const bytes = input.rest;

    const converter: Converter = .init(options);
    defer converter.deinit();
    var whole = converter.run(bytes, .{});
    defer whole.deinit();
    if (failing > 0) {
        memory.failing = failing;
        const fresh: Converter = .{ .handle = handle: {
            var handle: ?*anyopaque = null;
            _ = abi.mrrc_converter_create(&options, &handle);
            break :handle handle;
        } };
        defer fresh.deinit();
        if (fresh.handle != null) {
            var broken = fresh.run(bytes, chunks);
            defer broken.deinit();
            memory.failing = 0;
            if (!broken.is_out_of_memory) whole.expectSame(&broken, "a stream in parts");
            var again = fresh.run(bytes, .{});
            defer again.deinit();
            whole.expectSame(&again, "a stream with a converter that was broken off");
        }
        memory.failing = 0;
    } else {
        var parts = converter.run(bytes, chunks);
        defer parts.deinit();
        whole.expectSame(&parts, "a stream in parts");
    }
    if (options.normalization != 0) expectNormalized(options, &whole);
    if (source == .marc and target == .marc and options.source_encoding == 0 and options.target_encoding == 0 and options.is_lenient == 0 and options.level == 0 and options.normalization == 0) expectCopied(bytes, &whole);
    if (target == .line) return;
    // pymarc writes whatever leader the flat form brings.
    if (source == .flat and (target == .pymarc_xml or target == .pymarc_json or target == .pymarc_json_compact)) return;
    if (options.is_single != 0 or options.is_part != 0) return;
    expectReadable(source, target, &whole);
    if (source == .marc or source == .flat or options.normalization != 0) return;
    switch (target) {
        .marcxml, .json, .jsonl, .marcjson, .mrk, .seq => expectLossless(source, target, bytes, &whole),
        .marc => if (options.target_encoding == @backingInt(abi.Encoding.marc8) and options.unmappable == 0) expectEncoded(&whole),
        else => {},
    }
}

/// What is in a form stays as it is when it is brought into that again.
fn expectNormalized(before: abi.Options, run: *const Run) void {
    if (before.is_single != 0 or before.is_part != 0) return;
    switch (std.enums.fromInt(abi.Format, before.target).?) {
        .marc, .marcxml, .json, .jsonl, .marcjson, .mrk => {},
        else => return,
    }
    var options = plain(std.enums.fromInt(abi.Format, before.target).?, std.enums.fromInt(abi.Format, before.target).?);
    options.target_encoding = before.target_encoding;
    options.normalization = before.normalization;
    var again = converted(options, run.out.items);
    defer again.deinit();
    if (again.problems.items.len == 0) expect(std.mem.eql(u8, run.out.items, again.out.items), "text in a form is not in that form");
}

/// Sound records are written as they are.
fn expectCopied(bytes: []const u8, run: *const Run) void {
    const way = walk(bytes, 0, entries_max, .{});
    defer way.deinit();
    var copies: std.ArrayList(u8) = .empty;
    defer copies.deinit(gpa);
    var start: usize = 0;
    for (way.entries.items) |entry| {
        const end: usize = @intCast(entry.end);
        defer start = end;
        if (entry.code != 0 or entry.kind == @backingInt(abi.Kind.gap)) continue;
        // The numbers of a canonical record are those that assembling gives it.
        const record = bytes[start..end];
        if (!std.mem.eql(u8, record, assembled(record) orelse return)) return;
        copies.appendSlice(gpa, record) catch unreachable;
    }
    expect(std.mem.eql(u8, copies.items, run.out.items), "a sound record is not copied");
}

/// What is written can be read, and written again is the same.
fn expectReadable(source: abi.Format, target: abi.Format, run: *const Run) void {
    // One document for each record is what pymarc writes.
    if (target == .pymarc_xml and run.counts.records_written != 1) return;
    const format: abi.Format = switch (target) {
        .pymarc_xml => .marcxml,
        .pymarc_json, .pymarc_json_compact => .json,
        else => target,
    };
    var options = plain(format, format);
    if (format == .flat) options.target_encoding = @backingInt(abi.Encoding.bytes);
    var again = converted(options, run.out.items);
    defer again.deinit();
    for (again.problems.items) |*problem| {
        // ISO 2709 may have terminators inside a field, which the texts can say and none may read.
        if (source == .marc and problem.code == @backingInt(Code.delimiter_in_data)) return;
        print(problem);
        @panic("what was written cannot be read");
    }
    expect(again.counts.records_read == run.counts.records_written, "as many records are not read as were written");
    if (format != target) return;
    if (format == .seq) return expectSettled(&again);
    expect(std.mem.eql(u8, run.out.items, again.out.items), "what was written is not what is written again");
}

/// Aleph sequential that was read and written is what is written again. The first time a record may have got
/// a field 001.
fn expectSettled(run: *const Run) void {
    var again = converted(plain(.seq, .seq), run.out.items);
    defer again.deinit();
    expect(again.problems.items.len == 0 and std.mem.eql(u8, run.out.items, again.out.items), "Aleph sequential does not settle");
}

/// Whether each record in the flat form has a field 001.
fn haveNumbers(flats: []const u8) bool {
    var records = std.mem.splitScalar(u8, flats, 0x1d);
    while (records.next()) |record| {
        if (record.len == 0) continue;
        const head = record[0 .. std.mem.indexOfScalar(u8, record, 0x1e) orelse record.len];
        var at: usize = 24;
        const has_number = while (at < head.len) : (at += 12) {
            if (std.mem.eql(u8, head[at..][0..3], "001")) break true;
        } else false;
        if (!has_number) return false;
    }
    return true;
}

/// What comes of a conversion at once.
fn converted(options: abi.Options, bytes: []const u8) Run {
    const converter: Converter = .init(options);
    defer converter.deinit();
    return converter.run(bytes, .{});
}

/// A text that was made of another holds the same records.
fn expectLossless(source: abi.Format, target: abi.Format, bytes: []const u8, run: *const Run) void {
    if (run.problems.items.len > 0 or run.counts.characters_replaced > 0) return;
    var before = converted(plain(source, .flat), bytes);
    defer before.deinit();
    if (target == .seq and !haveNumbers(before.out.items)) return;
    var after = converted(plain(target, .flat), run.out.items);
    defer after.deinit();
    expect(std.mem.eql(u8, before.out.items, after.out.items), "records are not the same in another text");
}

/// MARC-8 that was made of Unicode reads as text that makes the same MARC-8.
fn expectEncoded(run: *const Run) void {
    var text = converted(plain(.marc, .flat), run.out.items);
    defer text.deinit();
    for (text.problems.items) |*problem| {
        print(problem);
        @panic("MARC-8 that was written is none");
    }
    var options = plain(.flat, .marc);
    options.target_encoding = @backingInt(abi.Encoding.marc8);
    var again = converted(options, text.out.items);
    defer again.deinit();
    expect(std.mem.eql(u8, run.out.items, again.out.items), "MARC-8 is not what is written again");
}

/// The text of MARC-8, null when memory runs out or it is none.
fn decode(converter: Converter, bytes: []const u8, before: abi.Sets) ?[]const u8 {
    var sets = before;
    var output: abi.Output = .{};
    var problem: abi.Problem = .{};
    const window = memory.show(bytes);
    switch (statusOf(abi.mrrc_decode_marc8(converter.handle, window.ptr, window.len, &sets, &output, &problem))) {
        .done => {},
        .problem => {
            expectProblem(&problem, bytes.len);
            return null;
        },
        .out_of_memory => return null,
        else => @panic("mrrc_decode_marc8 does not come back with that"),
    }
    expect(output.consumed == bytes.len, "a text is not decoded to its end");
    return output.bytes.?[0..@intCast(output.length)];
}

/// Columns of records, by a program.
fn planned(program: []const u8, records: []const u8, choice: u32, may_fail: bool) void {
    var handle: ?*anyopaque = null;
    var failure: abi.PlanFailure = .{};
    const shown = memory.show(program);
    if (statusOf(abi.mrrc_plan_create(shown.ptr, shown.len, &failure, &handle)) != .done) return;
    defer abi.mrrc_plan_destroy(handle);
    var pointed: ?*anyopaque = null;
    if (statusOf(abi.mrrc_arrow_schema(handle, &pointed)) == .done) {
        const schema: *arrow.Schema = @ptrCast(@alignCast(pointed.?));
        expect(std.mem.eql(u8, std.mem.span(schema.format), "+s"), "a batch is no struct");
        abi.mrrc_arrow_free_schema(schema);
    } else expect(may_fail, "a plan has no schema");
    var options = plain(.marc, .rows);
    options.plan = handle;
    options.is_lenient = choice & 1;
    var pointer: ?*anyopaque = null;
    if (statusOf(abi.mrrc_converter_create(&options, &pointer)) != .done) return;
    const converter: Converter = .{ .handle = pointer };
    defer converter.deinit();
    var run = converter.run(records, .{});
    defer run.deinit();
    var table: ?*anyopaque = null;
    if (statusOf(abi.mrrc_table_create(handle, &table)) != .done) return;
    defer abi.mrrc_table_destroy(table);
    if (!may_fail and !run.is_out_of_memory) {
        expect(tabled(table, run.out.items, choice) == .need_input, "rows that the core wrote are none");
        const counts = run.counts;
        expect(counts.records_written + counts.records_left_out <= counts.records_read, "there are more rows than records");
        if (options.is_lenient != 0) matched(pointer, records, counts);
    }
    _ = tabled(table, records, choice);
}

/// What a plan wants of records is what rows were written of, as far as they could be.
fn matched(converter: ?*anyopaque, records: []const u8, counts: abi.Counts) void {
    var marks: [entries_max]u8 = undefined;
    var scan: abi.Scan = .{};
    var problem: abi.Problem = .{};
    const shown = memory.show(records);
    const flags = flag_final | flag_lenient;
    const status = abi.mrrc_scan(shown.ptr, shown.len, flags, 0, &ends, &kinds, ends.len, &scan, &problem);
    if (statusOf(status) != .done) return;
    const matching = abi.mrrc_match(converter, shown.ptr, &ends, &kinds, scan.count, 1, 0, &marks);
    expect(statusOf(matching) == .done, "records cannot be matched");
    var wanted: u64 = 0;
    for (marks[0..@intCast(scan.count)]) |mark| wanted += mark;
    expect(wanted >= counts.records_written and wanted <= scan.records - counts.records_left_out, "others are wanted than were written");
}

/// Make batches and text of rows, as far as they are some.
fn tabled(table: ?*anyopaque, rows: []const u8, choice: u32) Status {
    var output: abi.Output = .{};
    var at: usize = 0;
    const limit = 3;
    const status = while (true) {
        const shown = memory.show(rows[at..]);
        var added: abi.Added = .{};
        const status = statusOf(abi.mrrc_table_add(table, shown.ptr, shown.len, 5, limit, 0, &added));
        expect(added.consumed <= shown.len and added.rows <= limit, "more is added than there is");
        at += @intCast(added.consumed);
        if (status != .output) break status;
        expect(takenRows(table, limit), "a full batch cannot be taken");
    };
    _ = takenRows(table, limit);
    const shown = memory.show(rows);
    var added: abi.Added = .{};
    if (statusOf(abi.mrrc_table_text(table, choice >> 1, shown.ptr, shown.len, 5, ',', 0, &added, &output)) == .done and status == .need_input) {
        const text = if (output.bytes) |bytes| bytes[0..@intCast(output.length)] else "";
        const is_values = choice >> 1 == @backingInt(abi.TextForm.values);
        expect(is_values or rows.len == 0 or std.mem.endsWith(u8, text, "\n"), "a row has no line");
    }
    return status;
}

/// Take the batch, look at all of it, and release it. False when memory runs out.
fn takenRows(table: ?*anyopaque, limit: i64) bool {
    var array: arrow.Array = undefined;
    if (statusOf(abi.mrrc_table_take(table, &array)) != .done) return memory.failing > 0;
    expect(array.length <= limit, "a batch is too long");
    if (array.children) |children| for (children[0..@intCast(array.n_children)]) |child| {
        expect(child.length == array.length, "a column has another length than its batch");
        expect(child.null_count <= child.length, "there are more nulls than rows");
        if (child.children) |items| expectOffsets(child, items[0].length);
        if (child.n_buffers == 3) expectOffsets(child, std.math.maxInt(i32));
    };
    array.release.?(&array);
    return true;
}

fn expectOffsets(array: *const arrow.Array, end: i64) void {
    const offsets: [*]const i32 = @ptrCast(@alignCast(array.buffers[1].?));
    var last: i32 = 0;
    for (offsets[0..@intCast(array.length + 1)]) |offset| {
        expect(offset >= last and offset <= end, "offsets go back, or too far");
        last = offset;
    }
}

/// Whether a pattern matches, null when it is none or memory runs out.
fn matches(pattern: []const u8, text: []const u8) ?bool {
    var failure: regex.Failure = .{};
    var compiled = regex.Regex.compile(memory.allocator, pattern, &failure) catch |err| {
        if (err == error.Invalid) expect(failure.offset <= pattern.len and failure.message.len > 0, "a failure that is nowhere");
        return null;
    };
    defer compiled.deinit(memory.allocator);
    var scratch = regex.Scratch.init(memory.allocator, &compiled) catch return null;
    defer scratch.deinit(memory.allocator);
    const blocks = memory.blocks;
    const is_match = compiled.search(&scratch, memory.show(text));
    expect(is_match == compiled.search(&scratch, memory.show(text)), "a search again finds something else");
    expect(memory.blocks == blocks, "a search takes memory");
    return is_match;
}

// ---- running

const Target = std.meta.DeclEnum(targets);

fn runTarget(target: Target, bytes: []const u8) void {
    var input: Input = .{ .rest = bytes };
    switch (target) {
        inline else => |which| @field(targets, @tagName(which))(&input),
    }
    expect(memory.blocks == 0, "memory is not given back");
}

fn targetOf(name: []const u8) Target {
    return std.meta.stringToEnum(Target, name) orelse std.debug.panic("no target is called {s}", .{name});
}

pub fn main(init: std.process.Init) !void {
    if (builtin.fuzz) std.process.exit(fuzzer.run(init.minimal.args.vector));
    var arguments = init.minimal.args.iterate();
    _ = arguments.next();
    var count: usize = 0;
    while (arguments.next()) |path| : (count += 1) {
        replayed = path;
        const target = targetOf(std.fs.path.basename(std.fs.path.dirname(path) orelse ""));
        const bytes = try std.Io.Dir.cwd().readFileAlloc(init.io, path, gpa, .unlimited);
        defer gpa.free(bytes);
        runTarget(target, bytes);
    }
    std.debug.print("{d} inputs\n", .{count});
}

/// The file that is run, to be named when it fails.
var replayed: []const u8 = "";

pub const panic = std.debug.FullPanic(struct {
    fn panic(message: []const u8, address: ?usize) noreturn {
        // libFuzzer keeps the input; running that by itself shows the way there.
        if (builtin.fuzz) {
            std.debug.print("{s}\n", .{message});
            std.c.abort();
        }
        std.debug.print("{s}\n", .{replayed});
        std.debug.defaultPanic(message, address);
    }
}.panic);

/// libFuzzer, and the compiler's counters for it. The program is named for the target.
const fuzzer = struct {
    extern fn LLVMFuzzerRunDriver(count: *c_int, arguments: *[*]const [*:0]const u8, call: *const fn ([*]const u8, usize) callconv(.c) c_int) callconv(.c) c_int;
    extern fn __sanitizer_cov_8bit_counters_init(start: [*]u8, stop: [*]u8) callconv(.c) void;

    var target: Target = undefined;

    fn run(vector: []const [*:0]const u8) u8 {
        target = targetOf(std.fs.path.basename(std.mem.span(vector[0])));
        const start = @extern([*]u8, .{ .name = "__start___sancov_cntrs" });
        const stop = @extern([*]u8, .{ .name = "__stop___sancov_cntrs" });
        __sanitizer_cov_8bit_counters_init(start, stop);
        var count: c_int = @intCast(vector.len);
        var arguments = vector.ptr;
        return @truncate(@as(c_uint, @bitCast(LLVMFuzzerRunDriver(&count, &arguments, call))));
    }

    fn call(bytes: [*]const u8, length: usize) callconv(.c) c_int {
        runTarget(target, bytes[0..length]);
        return 0;
    }
};
