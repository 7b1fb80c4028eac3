//! The C ABI: every function that the library exports, and the only place where pointers from
//! outside become slices. `bindings.zig` writes mrrc.h and the ctypes declarations from the types
//! and the table at the end of this file.
//!
//! No function prints, aborts or unwinds. A handle is used by one thread at a time; a second one
//! that comes meanwhile gets a status, not a race.

const std = @import("std");
const builtin = @import("builtin");
const apart = @import("apart.zig");
const arrow = @import("arrow.zig");
const convert = @import("convert.zig");
const cpu = @import("cpu.zig");
const iso2709 = @import("iso2709.zig");
const join = @import("join.zig");
const marc8 = @import("marc8.zig");
const normalize = @import("normalize.zig");
const plan_module = @import("plan.zig");
const pipeline_module = @import("pipeline.zig");
const problem_module = @import("problem.zig");
const strict = @import("strict.zig");
const table_module = @import("table.zig");
const record_module = @import("record.zig");
const walk = @import("walk.zig");
const Converter = convert.Converter;
const Plan = plan_module.Plan;
const Table = table_module.Table;
pub const Problem = problem_module.Problem;
pub const Counts = convert.Counts;

// A signal stack of std's own would put 256 KiB of thread-local storage into the library.
pub const std_options: std.Options = .{ .signal_stack_size = null };

const root = @import("root");
const gpa = if (builtin.is_test)
    std.testing.allocator
else if (@hasDecl(root, "core_allocator")) root.core_allocator else std.heap.c_allocator;

/// Raised with every change of what this file exports, so that a stale library is noticed.
pub const abi_version: u32 = 14;

/// What a call comes back with. Negative numbers are failures of the call itself.
pub const Status = enum(i32) {
    need_input = 0,
    output = 1,
    problem = 2,
    done = 3,
    out_of_memory = -1,
    invalid_argument = -2,
    busy = -3,
    /// A pipeline has nothing ready.
    nothing_yet = 4,
    /// A pipeline is closed.
    closed = 5,
};

/// How a conversion is to be done. Enumerations cross as numbers.
pub const Options = extern struct {
    /// A `Format`.
    source: u32,
    /// A `Format`.
    target: u32,
    /// An `Encoding` of ISO 2709 input.
    source_encoding: u32,
    /// An `Encoding` of ISO 2709 output.
    target_encoding: u32,
    /// An `Unmappable`.
    unmappable: u32,
    /// Nonzero: read `&#xXXXX;` in MARC-8 as the character it names.
    references: u32,
    /// Nonzero: write U+FFFD for a character that XML forbids.
    replace_forbidden: u32,
    /// The character to read for bytes that are no text; 0 makes them a problem.
    replacement: u32,
    /// Nonzero: save what can be told of damaged ISO 2709 records, and of text that is not what
    /// leader/09 says; U+FFFD, which such text has, is written in MARC-8 as `|`. Everything that was wrong is a problem, with its outcome.
    is_lenient: u32,
    /// Nonzero: one record by itself, no collection around it.
    is_single: u32,
    /// Nonzero: from the middle of a collection, nothing around it.
    is_part: u32,
    /// A `Level`.
    level: u32,
    /// A `Normalization`.
    normalization: u32,
    reserved: u32 = 0,
    /// Bytes that a record may have to be read, up to 1,073,741,824; 0: 67,108,864.
    record_max: u64,
    /// Of mrrc_plan_create, or null: which records are wanted. MRRC_FORMAT_ROWS is what it wants of them.
    plan: ?*anyopaque,
    /// Offset in the source of the first byte that is converted.
    position: u64,
    /// The output ends behind so many records; 0: behind all.
    written_max: u64,
    /// Records in front of the first one, where what is written has numbers: Aleph sequential.
    records_before: u64,
};

pub const Format = convert.Format;
pub const Encoding = convert.Encoding;
pub const Unmappable = marc8.Unmappable;
pub const Level = strict.Level;
pub const Normalization = normalize.Form;

/// What one call of `mrrc_convert` did.
pub const Output = extern struct {
    /// Bytes of the input that are done with.
    consumed: u64 = 0,
    /// The output, good until the next call with the handle.
    bytes: ?[*]const u8 = null,
    /// Its length in bytes.
    length: u64 = 0,
    counts: Counts = .{},
};

/// The character sets that MARC-8 text begins with and ends in, each by the final byte of the
/// escape sequence that designates it: 0x42 ASCII, 0x45 ANSEL, 0x31 East Asian.
pub const Sets = extern struct { g0: u32, g1: u32 };

const Handle = struct {
    converter: Converter,
    busy: std.atomic.Value(bool) = .init(false),
};

pub const Kind = walk.Kind;

/// What `mrrc_scan` found.
pub const Scan = extern struct {
    /// Entries written to the arrays.
    count: u64 = 0,
    /// Records among them.
    records: u64 = 0,
    /// Bytes between records.
    between: u64 = 0,
    /// Bytes of the input that they take up.
    consumed: u64 = 0,
};

const flag_final = 1;
const flag_restart = 2;
const flag_start = 4;
const flag_closely = 8;
const flag_utf8 = 16;
const flag_flush = 32;
const flag_lenient = 64;
const flag_searching = 128;
const flag_strict_marc = 256;
const flag_strict = 512;

pub export fn mrrc_abi_version() callconv(.c) u32 {
    return abi_version;
}

pub const Cpu = cpu.Level;

pub export fn mrrc_cpu() callconv(.c) u32 {
    return @backingInt(cpu.level());
}

fn slice(bytes: ?[*]const u8, length: u64) []const u8 {
    const pointer = bytes orelse return &.{};
    return pointer[0..@intCast(length)];
}

pub export fn mrrc_scan(bytes: ?[*]const u8, length: u64, flags: u32, record_max: u64, ends: ?[*]u32, kinds: ?[*]u8, capacity: u64, result: *Scan, problem: *Problem) callconv(.c) i32 {
    result.* = .{};
    if (length > std.math.maxInt(u32)) return @backingInt(Status.invalid_argument);
    const most = recordMax(record_max) orelse return @backingInt(Status.invalid_argument);
    const data = slice(bytes, length);
    const final = flags & flag_final != 0;
    const is_lenient = flags & flag_lenient != 0;
    const validation: walk.Validation = .{
        .level = if (flags & flag_strict_marc != 0) .strict_marc else .structural,
        .is_utf8 = flags & flag_utf8 != 0,
        .record_max = most,
    };
    var at: usize = 0;
    var count: usize = 0;
    var records: usize = 0;
    var between: usize = 0;
    const status: Status = while (count < capacity) {
        const rest = data[at..];
        if (walk.plainFrame(rest, validation)) |frame| {
            at += frame.length;
            if (ends) |pointer| pointer[count] = @intCast(at);
            if (kinds) |pointer| pointer[count] = soundKind(rest[0..frame.length], frame, flags, validation);
            count += 1;
            records += 1;
            continue;
        }
        var kind: u8 = @backingInt(Kind.gap);
        var taken = iso2709.gapLength(rest);
        between += taken;
        if (taken == 0) {
            const checked = walk.check(rest, final, validation, is_lenient, problem);
            if (checked) |state| switch (state) {
                .record => |frame| if (is_lenient and !frame.is_clean) {
                    kind = @backingInt(Kind.damaged);
                    taken = frame.length;
                } else {
                    kind = soundKind(rest[0..frame.length], frame, flags, validation);
                    taken = frame.length;
                },
                .need_more => break .need_input,
                .end => break .done,
            } else if (is_lenient) {
                taken = walk.damagedLength(rest, final, most) orelse break .need_input;
                kind = @backingInt(Kind.damaged);
            } else {
                problem.look(rest);
                problem.setControlNumber(iso2709.controlNumber(rest));
                break .problem;
            }
            records += 1;
        }
        const end = at + taken;
        if (ends) |pointer| pointer[count] = @intCast(end);
        if (kinds) |pointer| pointer[count] = kind;
        count += 1;
        at = end;
    } else .output;
    result.* = .{ .count = count, .records = records, .between = between, .consumed = at };
    return @backingInt(status);
}

fn soundKind(record: []const u8, frame: iso2709.Frame, flags: u32, validation: walk.Validation) u8 {
    const kind = walk.kindOf(record, frame, flags & flag_closely != 0, validation.is_utf8);
    return if (flags & flag_lenient != 0) walk.lenientKind(record, frame, kind, validation) else kind;
}

pub export fn mrrc_resync(bytes: ?[*]const u8, length: u64, flags: u32, skip: *u64) callconv(.c) i32 {
    const data = slice(bytes, length);
    const final = flags & flag_final != 0;
    const sync = if (flags & flag_searching == 0) walk.wayOut(data, final) else iso2709.resync(data, null, final);
    skip.* = sync.skip;
    return @backingInt(if (sync.found) Status.done else Status.need_input);
}

fn fromNumber(comptime E: type, number: u32) ?E {
    return std.enums.fromInt(E, number);
}

/// The limit as the core has it; null when it is too large.
fn recordMax(given: u64) ?usize {
    if (given > record_module.record_max_most) return null;
    return if (given == 0) record_module.record_max_default else @intCast(given);
}

/// The options as the core has them; null when one of them means nothing.
fn conversionOf(options: *const Options) ?convert.Options {
    const source = fromNumber(Format, options.source) orelse return null;
    if (!source.isReadable()) return null;
    if (options.target == @backingInt(Format.rows) and options.plan == null) return null;
    if (options.replacement > 0x10ffff or (options.replacement >= 0xd800 and options.replacement < 0xe000)) return null;
    return .{
        .source = source,
        .target = fromNumber(Format, options.target) orelse return null,
        .source_encoding = fromNumber(Encoding, options.source_encoding) orelse return null,
        .target_encoding = fromNumber(Encoding, options.target_encoding) orelse return null,
        .unmappable = fromNumber(Unmappable, options.unmappable) orelse return null,
        .references = options.references != 0,
        .replace_forbidden = options.replace_forbidden != 0,
        .replacement = if (options.replacement == 0) null else @intCast(options.replacement),
        .is_lenient = options.is_lenient != 0,
        .is_single = options.is_single != 0,
        .is_part = options.is_part != 0,
        .level = fromNumber(Level, options.level) orelse return null,
        .normalization = fromNumber(Normalization, options.normalization) orelse return null,
        .record_max = recordMax(options.record_max) orelse return null,
        .plan = planOf(options.plan),
        .position = options.position,
        .written_max = if (options.written_max == 0) std.math.maxInt(u64) else options.written_max,
        .records_before = options.records_before,
    };
}

pub export fn mrrc_converter_create(options: *const Options, result: *?*anyopaque) callconv(.c) i32 {
    result.* = null;
    const conversion = conversionOf(options) orelse return @backingInt(Status.invalid_argument);
    const handle = gpa.create(Handle) catch return @backingInt(Status.out_of_memory);
    handle.busy = .init(false);
    handle.converter.init(gpa, conversion);
    if (conversion.plan) |plan| _ = plan.retain();
    result.* = handle;
    return @backingInt(Status.done);
}

pub export fn mrrc_converter_destroy(pointer: ?*anyopaque) callconv(.c) void {
    const handle: *Handle = @ptrCast(@alignCast(pointer orelse return));
    if (handle.converter.options.plan) |plan| plan.release();
    handle.converter.deinit();
    gpa.destroy(handle);
}

pub export fn mrrc_convert(pointer: ?*anyopaque, bytes: ?[*]const u8, length: u64, flags: u32, output: *Output, problem: *Problem) callconv(.c) i32 {
    const handle: *Handle = @ptrCast(@alignCast(pointer orelse return @backingInt(Status.invalid_argument)));
    if (handle.busy.swap(true, .acquire)) return @backingInt(Status.busy);
    defer handle.busy.store(false, .release);
    const converter = &handle.converter;
    if (flags & flag_restart != 0) converter.restart();
    var consumed: usize = 0;
    const status = converter.feed(slice(bytes, length), flags & flag_final != 0, &consumed) catch
        return @backingInt(Status.out_of_memory);
    output.* = .{
        .consumed = consumed,
        .bytes = converter.out.items().ptr,
        .length = converter.out.length(),
        .counts = converter.counts,
    };
    if (status == .problem) problem.* = converter.problem;
    return switch (status) {
        .need_input => @backingInt(Status.need_input),
        .output => @backingInt(Status.output),
        .problem => @backingInt(Status.problem),
        .done => @backingInt(Status.done),
    };
}

pub export fn mrrc_match(pointer: ?*anyopaque, bytes: ?[*]const u8, ends: ?[*]const u32, kinds: ?[*]const u8, count: u64, number: u64, offset: u64, wanted: ?[*]u8) callconv(.c) i32 {
    const invalid = @backingInt(Status.invalid_argument);
    const handle: *Handle = @ptrCast(@alignCast(pointer orelse return invalid));
    const bounds = (ends orelse return invalid)[0..@intCast(count)];
    const marks = (wanted orelse return invalid)[0..@intCast(count)];
    if (handle.converter.options.plan == null) return invalid;
    if (handle.busy.swap(true, .acquire)) return @backingInt(Status.busy);
    defer handle.busy.store(false, .release);
    var start: u32 = 0;
    var turn = number;
    for (bounds, marks, 0..) |end, *mark, index| {
        if (end < start) return invalid;
        defer start = end;
        mark.* = 0;
        if (kinds) |known| if (known[index] == @backingInt(Kind.gap)) continue;
        const record = slice(bytes, end)[start..];
        const is_wanted = handle.converter.wants(record, turn, offset + start) catch return @backingInt(Status.out_of_memory);
        mark.* = @intFromBool(is_wanted);
        turn += 1;
    }
    return @backingInt(Status.done);
}

/// What was written to `target`, in which no NUL is, and one behind it; null where nothing was.
fn terminated(target: [*]u8, written: ?usize) ?[*:0]const u8 {
    const length = written orelse return null;
    target[length] = 0;
    return target[0..length :0];
}

pub export fn mrrc_assemble(bytes: ?[*]const u8, length: u32, target: ?[*]u8) callconv(.c) ?[*:0]const u8 {
    const room = target orelse return null;
    return terminated(room, iso2709.assemble(slice(bytes, length), room[0..iso2709.record_length_max]));
}

pub export fn mrrc_join(target: ?[*]u8, parts: ?[*:0]const u8, fields: u32, delimiters: u32, is_flat: u32) callconv(.c) ?[*:0]const u8 {
    const room = target orelse return null;
    const text = std.mem.span(parts orelse return null);
    return terminated(room, join.join(text, fields, delimiters, if (is_flat != 0) .flat else .marc, room[0..iso2709.record_length_max]));
}

pub export fn mrrc_replace(target: ?[*]u8, record: ?[*:0]const u8, changes: ?[*:0]const u8) callconv(.c) ?[*:0]const u8 {
    const room = target orelse return null;
    return terminated(room, iso2709.replace(std.mem.span(record orelse return null), std.mem.span(changes orelse return null), room[0..iso2709.record_length_max]));
}

pub export fn mrrc_take_apart(bytes: ?[*]const u8, length: u64, target: ?[*]u8, ends: ?[*]u32, capacity: u64, tags: ?[*]u8) callconv(.c) i32 {
    const invalid = @backingInt(Status.invalid_argument);
    if (length > std.math.maxInt(u32)) return invalid;
    var known: apart.Tags = .init(@ptrCast(tags orelse return invalid));
    const room = (target orelse return invalid)[0..@intCast(length)];
    const places = (ends orelse return invalid)[0..@intCast(capacity)];
    _ = apart.take(slice(bytes, length), &known, room, places) orelse return invalid;
    return @intCast(known.end);
}

pub export fn mrrc_ask(bytes: ?[*]const u8, length: u64, queries: ?[*]const u8, queries_length: u64, are_sound: u32, target: ?[*]u8, written: *u64) callconv(.c) i32 {
    written.* = 0;
    const invalid = @backingInt(Status.invalid_argument);
    if (length > std.math.maxInt(u32) or queries_length > 1000) return invalid;
    var parsed: [apart.queries_max]apart.Query = undefined;
    const asked = apart.parse(slice(queries, queries_length), &parsed) orelse return invalid;
    if (asked.len == 0) return invalid;
    const room = (target orelse return invalid)[0..@intCast(asked.len * length)];
    written.* = apart.ask(slice(bytes, length), are_sound != 0, asked, room) orelse return invalid;
    return @backingInt(Status.done);
}

pub export fn mrrc_shapes(bytes: ?[*]const u8, length: u64, target: ?[*]u8) callconv(.c) i32 {
    const invalid = @backingInt(Status.invalid_argument);
    if (length > std.math.maxInt(i32)) return invalid;
    const room = (target orelse return invalid)[0..@intCast(length)];
    return @intCast(apart.shapes(slice(bytes, length), room) orelse return invalid);
}

/// Why a plan cannot be made.
pub const PlanFailure = extern struct {
    /// Which regular expression cannot be read, from 0, and where in it, in bytes.
    expression: u64 = 0,
    offset: u64 = 0,
    /// What is wrong with it; nothing where the program is none.
    message: ?[*]const u8 = null,
    length: u64 = 0,
};

fn planOf(pointer: ?*anyopaque) ?*Plan {
    return @ptrCast(@alignCast(pointer));
}

pub export fn mrrc_plan_create(program: ?[*]const u8, length: u64, failure: *PlanFailure, result: *?*anyopaque) callconv(.c) i32 {
    result.* = null;
    failure.* = .{};
    var found: plan_module.Failure = .{};
    const plan = Plan.create(gpa, slice(program, length), &found) catch return @backingInt(Status.out_of_memory);
    result.* = plan orelse {
        failure.* = .{ .expression = found.expression, .offset = found.offset, .message = found.message.ptr, .length = found.message.len };
        return @backingInt(Status.invalid_argument);
    };
    return @backingInt(Status.done);
}

pub export fn mrrc_plan_destroy(pointer: ?*anyopaque) callconv(.c) void {
    (planOf(pointer) orelse return).release();
}

const TableHandle = struct {
    table: *Table,
    busy: std.atomic.Value(bool) = .init(false),
};

fn tableOf(pointer: ?*anyopaque) ?*TableHandle {
    return @ptrCast(@alignCast(pointer));
}

pub export fn mrrc_table_create(plan: ?*anyopaque, result: *?*anyopaque) callconv(.c) i32 {
    result.* = null;
    const given = planOf(plan) orelse return @backingInt(Status.invalid_argument);
    const handle = gpa.create(TableHandle) catch return @backingInt(Status.out_of_memory);
    handle.* = .{ .table = Table.create(gpa, given) catch {
        gpa.destroy(handle);
        return @backingInt(Status.out_of_memory);
    } };
    result.* = handle;
    return @backingInt(Status.done);
}

pub export fn mrrc_table_destroy(pointer: ?*anyopaque) callconv(.c) void {
    const handle = tableOf(pointer) orelse return;
    handle.table.destroy();
    gpa.destroy(handle);
}

/// What `mrrc_table_add` did.
pub const Added = extern struct {
    /// Bytes of rows that are done with.
    consumed: u64 = 0,
    /// Rows of the batch.
    rows: u64 = 0,
    /// Of a value that is repeated: its column, and number and offset of the record.
    column: u64 = 0,
    number: u64 = 0,
    offset: u64 = 0,
};

pub export fn mrrc_table_add(pointer: ?*anyopaque, rows: ?[*]const u8, length: u64, before: u64, limit: u64, flags: u32, added: *Added) callconv(.c) i32 {
    added.* = .{};
    const handle = tableOf(pointer) orelse return @backingInt(Status.invalid_argument);
    if (limit == 0 or limit > std.math.maxInt(i32)) return @backingInt(Status.invalid_argument);
    if (handle.busy.swap(true, .acquire)) return @backingInt(Status.busy);
    defer handle.busy.store(false, .release);
    const table = handle.table;
    const result = table.add(slice(rows, length), before, @intCast(limit), flags & flag_strict != 0) catch |err|
        return @backingInt(if (err == error.OutOfMemory) Status.out_of_memory else Status.invalid_argument);
    added.* = .{ .consumed = result.consumed, .rows = table.rows, .column = result.column, .number = result.number, .offset = result.offset };
    return @backingInt(switch (result.why) {
        .all_added => Status.need_input,
        .batch_is_full => Status.output,
        .value_repeated => Status.problem,
    });
}

pub export fn mrrc_table_take(pointer: ?*anyopaque, array: ?*anyopaque) callconv(.c) i32 {
    const handle = tableOf(pointer) orelse return @backingInt(Status.invalid_argument);
    const target: *arrow.Array = @ptrCast(@alignCast(array orelse return @backingInt(Status.invalid_argument)));
    if (handle.busy.swap(true, .acquire)) return @backingInt(Status.busy);
    defer handle.busy.store(false, .release);
    handle.table.take(target) catch return @backingInt(Status.out_of_memory);
    return @backingInt(Status.done);
}

pub const TextForm = table_module.Form;

pub export fn mrrc_table_text(pointer: ?*anyopaque, form: u32, rows: ?[*]const u8, length: u64, before: u64, separator: u32, flags: u32, added: *Added, output: *Output) callconv(.c) i32 {
    added.* = .{};
    output.* = .{};
    const handle = tableOf(pointer) orelse return @backingInt(Status.invalid_argument);
    const wanted = fromNumber(TextForm, form) orelse return @backingInt(Status.invalid_argument);
    if (separator == 0 or separator > 0x7f) return @backingInt(Status.invalid_argument);
    if (handle.busy.swap(true, .acquire)) return @backingInt(Status.busy);
    defer handle.busy.store(false, .release);
    const table = handle.table;
    const result = table.text(wanted, slice(rows, length), before, @intCast(separator), flags & flag_strict != 0) catch |err|
        return @backingInt(if (err == error.OutOfMemory) Status.out_of_memory else Status.invalid_argument);
    added.* = .{ .consumed = result.consumed, .column = result.column, .number = result.number, .offset = result.offset };
    output.* = .{ .consumed = result.consumed, .bytes = table.out.items().ptr, .length = table.out.length() };
    return @backingInt(if (result.why == .value_repeated) Status.problem else Status.done);
}

pub const Tally = table_module.Tally;

pub export fn mrrc_table_tally(pointer: ?*anyopaque, column: u64, tally: *Tally) callconv(.c) void {
    tally.* = .{};
    const handle = tableOf(pointer) orelse return;
    if (column < handle.table.tallies.len) tally.* = handle.table.tallies[@intCast(column)];
}

pub export fn mrrc_arrow_schema(plan: ?*anyopaque, result: *?*anyopaque) callconv(.c) i32 {
    result.* = null;
    const given = planOf(plan) orelse return @backingInt(Status.invalid_argument);
    const schema = gpa.create(arrow.Schema) catch return @backingInt(Status.out_of_memory);
    schema.* = Table.schema(gpa, given) catch {
        gpa.destroy(schema);
        return @backingInt(Status.out_of_memory);
    };
    result.* = schema;
    return @backingInt(Status.done);
}

pub export fn mrrc_arrow_stream(plan: ?*anyopaque, number: u64, pull: ?*const anyopaque, drop: ?*const anyopaque, result: *?*anyopaque) callconv(.c) i32 {
    result.* = null;
    const invalid = @backingInt(Status.invalid_argument);
    const given = planOf(plan) orelse return invalid;
    const pulling: *const arrow.Pull = @ptrCast(@alignCast(pull orelse return invalid));
    const dropping: *const arrow.Drop = @ptrCast(@alignCast(drop orelse return invalid));
    const stream = gpa.create(arrow.Stream) catch return @backingInt(Status.out_of_memory);
    stream.* = arrow.streamOf(gpa, number, pulling, dropping, given.retain(), schemaOfPlan, forgetPlan) catch {
        given.release();
        gpa.destroy(stream);
        return @backingInt(Status.out_of_memory);
    };
    result.* = stream;
    return @backingInt(Status.done);
}

pub export fn mrrc_arrow_free_schema(schema: ?*anyopaque) callconv(.c) void {
    freeStructure(arrow.Schema, schema);
}

pub export fn mrrc_arrow_free_stream(stream: ?*anyopaque) callconv(.c) void {
    freeStructure(arrow.Stream, stream);
}

fn freeStructure(comptime T: type, pointer: ?*anyopaque) void {
    const structure: *T = @ptrCast(@alignCast(pointer orelse return));
    if (structure.release) |release| release(structure);
    gpa.destroy(structure);
}

pub export fn mrrc_arrow_python(ensure: ?*const anyopaque, leave: ?*const anyopaque, get_pointer: ?*const anyopaque, fetch: ?*const anyopaque, restore: ?*const anyopaque) callconv(.c) void {
    arrow.usePython(.{
        .ensure = @ptrCast(@alignCast(ensure orelse return)),
        .leave = @ptrCast(@alignCast(leave orelse return)),
        .get_pointer = @ptrCast(@alignCast(get_pointer orelse return)),
        .fetch = @ptrCast(@alignCast(fetch orelse return)),
        .restore = @ptrCast(@alignCast(restore orelse return)),
    });
}

pub export fn mrrc_arrow_destroy_schema(capsule: ?*anyopaque) callconv(.c) void {
    arrow.destroyCapsule(arrow.Schema, capsule orelse return, gpa);
}

pub export fn mrrc_arrow_destroy_stream(capsule: ?*anyopaque) callconv(.c) void {
    arrow.destroyCapsule(arrow.Stream, capsule orelse return, gpa);
}

fn schemaOfPlan(plan: *anyopaque) arrow.Error!arrow.Schema {
    return Table.schema(gpa, planOf(plan).?);
}

fn forgetPlan(plan: *anyopaque) void {
    planOf(plan).?.release();
}

pub export fn mrrc_arrow_end() callconv(.c) void {
    arrow.endHost();
}

/// How a pipeline works. Enumerations cross as numbers.
pub const PipelineOptions = extern struct {
    /// A `Job`.
    job: u32,
    /// Threads, 1 or more.
    workers: u32,
    /// Pieces that may be under way, at least 1.
    capacity: u32,
    /// Nonzero: pieces come in the source's order.
    ordered: u32,
    /// Bytes of the source that one piece is made of.
    range: u64,
    /// The records that begin in `[start, stop)` are read.
    start: u64,
    stop: u64,
    /// A file descriptor, or negative: the source is pushed.
    file: i32,
    reserved: u32 = 0,
};

/// What was made of one range of a source. All of it is good until the piece is given back.
pub const Piece = extern struct {
    /// To give it back with.
    piece: ?*anyopaque = null,
    /// Its number, from 0, in the source's order.
    sequence: u64 = 0,
    /// Offset in the source of the first record.
    offset: u64 = 0,
    /// Bytes of the source that are accounted for.
    source_length: u64 = 0,
    /// The records of a scan, or a conversion's output.
    bytes: ?[*]const u8 = null,
    length: u64 = 0,
    /// Of a scan: where in `bytes` each entry ends, its `Kind`, and with a plan 1 where it is wanted,
    /// otherwise 0; the plan may not ask for numbers of records.
    ends: ?[*]const u32 = null,
    kinds: ?[*]const u8 = null,
    marks: ?[*]const u8 = null,
    entries: u64 = 0,
    damages: ?[*]const Damage = null,
    damage_count: u64 = 0,
    counts: Counts = .{},
    /// A `Failure`; with `read`, `errno` has what the system said.
    failure: u32 = 0,
    errno: u32 = 0,
};

pub const Damage = pipeline_module.Damage;
pub const Stats = pipeline_module.Stats;
pub const Job = pipeline_module.Job;
pub const Failure = pipeline_module.Failure;

pub export fn mrrc_pipeline_create(pipeline_options: *const PipelineOptions, options: *const Options, result: *?*anyopaque) callconv(.c) i32 {
    result.* = null;
    const invalid = @backingInt(Status.invalid_argument);
    const given = pipeline_options.*;
    if (given.workers == 0 or given.capacity == 0 or given.range == 0 or given.stop < given.start) return invalid;
    if (given.workers > pipeline_module.workers_max or given.capacity > pipeline_module.capacity_max or given.range > pipeline_module.range_max) return invalid;
    const conversion = conversionOf(options) orelse return invalid;
    if (conversion.source != .marc) return invalid;
    const pipeline = gpa.create(pipeline_module.Pipeline) catch return @backingInt(Status.out_of_memory);
    pipeline.init(gpa, .{
        .job = fromNumber(Job, given.job) orelse {
            gpa.destroy(pipeline);
            return invalid;
        },
        .conversion = conversion,
        .workers = given.workers,
        .capacity = given.capacity,
        .ordered = given.ordered != 0,
        .range = given.range,
        .start = given.start,
        .stop = given.stop,
        .file = if (given.file < 0) null else given.file,
    }) catch {
        gpa.destroy(pipeline);
        return @backingInt(Status.out_of_memory);
    };
    if (conversion.plan) |plan| _ = plan.retain();
    result.* = pipeline;
    return @backingInt(Status.done);
}

fn pipelineOf(pointer: ?*anyopaque) ?*pipeline_module.Pipeline {
    return @ptrCast(@alignCast(pointer));
}

pub export fn mrrc_pipeline_next(pointer: ?*anyopaque, milliseconds: u32, result: *Piece) callconv(.c) i32 {
    const pipeline = pipelineOf(pointer) orelse return @backingInt(Status.invalid_argument);
    result.* = .{};
    const piece = switch (pipeline.next(milliseconds)) {
        .piece => |piece| piece,
        .nothing_yet => return @backingInt(Status.nothing_yet),
        .wants_input => return @backingInt(Status.need_input),
        .end => return @backingInt(Status.done),
        .closed => return @backingInt(Status.closed),
    };
    const bytes = piece.bytes.items()[piece.first..];
    result.* = .{
        .piece = piece,
        .sequence = piece.sequence,
        .offset = piece.offset,
        .source_length = piece.length,
        .bytes = bytes.ptr,
        .length = bytes.len,
        .ends = piece.ends.items.ptr,
        .kinds = piece.kinds.items.ptr,
        .marks = piece.marks.items.ptr,
        .entries = piece.ends.items.len,
        .damages = piece.damages.items.ptr,
        .damage_count = piece.damages.items.len,
        .counts = piece.counts,
        .failure = @backingInt(piece.failure),
        .errno = piece.errno,
    };
    return @backingInt(Status.output);
}

pub export fn mrrc_pipeline_give_back(pointer: ?*anyopaque, piece: ?*anyopaque) callconv(.c) void {
    const pipeline = pipelineOf(pointer) orelse return;
    pipeline.giveBack(@ptrCast(@alignCast(piece orelse return)));
}

pub export fn mrrc_pipeline_push(pointer: ?*anyopaque, bytes: ?[*]const u8, length: u64, flags: u32) callconv(.c) i32 {
    const pipeline = pipelineOf(pointer) orelse return @backingInt(Status.invalid_argument);
    const is_taken = pipeline.push(slice(bytes, length), flags & flag_flush != 0, flags & flag_final != 0) catch
        return @backingInt(Status.out_of_memory);
    return @backingInt(if (is_taken) Status.done else Status.output);
}

pub export fn mrrc_pipeline_stats(pointer: ?*anyopaque, result: *Stats) callconv(.c) void {
    result.* = if (pipelineOf(pointer)) |pipeline| pipeline.statistics() else .{};
}

pub export fn mrrc_pipeline_close(pointer: ?*anyopaque) callconv(.c) void {
    (pipelineOf(pointer) orelse return).close();
}

pub export fn mrrc_pipeline_destroy(pointer: ?*anyopaque) callconv(.c) void {
    const pipeline = pipelineOf(pointer) orelse return;
    const plan = pipeline.options.conversion.plan;
    pipeline.deinit();
    if (plan) |one| one.release();
    gpa.destroy(pipeline);
}

pub export fn mrrc_find_boundary(bytes: ?[*]const u8, length: u64, from: u64, flags: u32, found: *u64) callconv(.c) i32 {
    found.* = length;
    if (from > length) return @backingInt(Status.invalid_argument);
    const result = walk.findBoundary(slice(bytes, length), @intCast(from), flags & flag_start != 0, flags & flag_final != 0);
    switch (result) {
        .at => |at| found.* = at,
        .need_more => |useless| {
            found.* = useless;
            return @backingInt(Status.need_input);
        },
        .none => {},
    }
    return @backingInt(Status.done);
}

pub export fn mrrc_decode_marc8(pointer: ?*anyopaque, bytes: ?[*]const u8, length: u64, sets: *Sets, output: *Output, problem: *Problem) callconv(.c) i32 {
    const handle: *Handle = @ptrCast(@alignCast(pointer orelse return @backingInt(Status.invalid_argument)));
    if (sets.g0 > 0xff or sets.g1 > 0xff) return @backingInt(Status.invalid_argument);
    const g0 = marc8.setOf(@intCast(sets.g0)) orelse return @backingInt(Status.invalid_argument);
    const g1 = marc8.setOf(@intCast(sets.g1)) orelse return @backingInt(Status.invalid_argument);
    if (handle.busy.swap(true, .acquire)) return @backingInt(Status.busy);
    defer handle.busy.store(false, .release);
    const decoder = &handle.converter.decoder;
    const out = &handle.converter.out;
    out.clear();
    decoder.g0_default = g0;
    decoder.g1_default = g1;
    decoder.replaced = 0;
    output.* = .{};
    decoder.decode(out, slice(bytes, length), 0, &handle.converter.problem) catch |err| switch (err) {
        error.OutOfMemory => return @backingInt(Status.out_of_memory),
        error.Problem => {
            problem.* = handle.converter.problem;
            return @backingInt(Status.problem);
        },
    };
    sets.* = .{ .g0 = marc8.finalOf(decoder.g0), .g1 = marc8.finalOf(decoder.g1) };
    output.* = .{ .consumed = length, .bytes = out.items().ptr, .length = out.length() };
    output.counts.characters_replaced = decoder.replaced;
    decoder.replaced = 0;
    return @backingInt(Status.done);
}

/// What `bindings.zig` writes down of each function: the names that types do not carry, and a line
/// of documentation.
pub const documentation = [_]Documentation{
    .{ .name = "mrrc_abi_version", .parameters = &.{}, .text = "The version of this interface; compare it with MRRC_ABI_VERSION." },
    .{
        .name = "mrrc_cpu",
        .parameters = &.{},
        .text = "The processors that the code in use is made for (MRRC_CPU_BASELINE, ...): as much as this one can, unless MRRC_CT_CPU is `baseline` in the environment when the library is used first.",
    },
    .{
        .name = "mrrc_scan",
        .parameters = &.{ "bytes", "length", "flags", "record_max", "ends", "kinds", "capacity", "result", "problem" },
        .text = "Check the ISO 2709 records in `bytes` and give where each ends and its kind. Stops at the first record that is damaged (MRRC_PROBLEM), incomplete (MRRC_NEED_INPUT; with MRRC_FINAL a problem) or when `capacity` entries are written (MRRC_OUTPUT). `ends` and `kinds` may be null, `record_max` is that of MrrcOptions.",
    },
    .{
        .name = "mrrc_resync",
        .parameters = &.{ "bytes", "length", "flags", "skip" },
        .text = "How many bytes to leave out to come behind the damaged record that `bytes` begins with. MRRC_NEED_INPUT: leave out `skip` bytes and call again with more, and with MRRC_SEARCHING.",
    },
    .{
        .name = "mrrc_converter_create",
        .parameters = &.{ "options", "result" },
        .text = "Make a converter of one format into another. Free it with mrrc_converter_destroy.",
    },
    .{ .name = "mrrc_converter_destroy", .parameters = &.{"converter"}, .text = "Free a converter and its output. A null pointer is left alone." },
    .{
        .name = "mrrc_convert",
        .parameters = &.{ "converter", "bytes", "length", "flags", "output", "problem" },
        .text = "Convert what can be converted of `bytes`, which go on where `output.consumed` of the last call left off. Call until MRRC_DONE; MRRC_NEED_INPUT asks for more bytes, MRRC_PROBLEM reports one lost record.",
    },
    .{
        .name = "mrrc_match",
        .parameters = &.{ "converter", "bytes", "ends", "kinds", "count", "number", "offset", "wanted" },
        .text = "Which of so many records, one behind the other, the plan of the converter wants: 1 or 0 in `wanted`. `ends` and `kinds` are those of mrrc_scan, for bytes that begin at `offset` of the source with the record of this number; `kinds` may be null. The converter begins another stream; damaged records are read as it is told to.",
    },
    .{
        .name = "mrrc_assemble",
        .parameters = &.{ "bytes", "length", "target" },
        .text = "Write a record in the flat form (MRRC_FORMAT_FLAT) as ISO 2709, with its numbers in leader and directory, without looking at its text. `target`, which does not overlap `bytes`, has room for 100,000. Gives `target`, where a NUL is behind the record, or null when `bytes` is no such record, when there is a NUL in it, or ISO 2709 has no room for it.",
    },
    .{
        .name = "mrrc_join",
        .parameters = &.{ "target", "parts", "fields", "delimiters", "is_flat" },
        .text = "Write a record from its parts as ISO 2709, or with `is_flat` in the flat form with the leader as it is. The parts are UTF-8 with 1F between them: the leader; of each of so many `fields` the tag, the two indicators, and the code and value of each subfield, or `=` and the tag, or `-` and that of a control field, and the content; and 1E as a part of its own. So many `delimiters` 1F are in all of it, and a NUL behind it. `target`, which does not overlap `parts`, has room for 100,000. Gives `target`, where a NUL is behind the record, or null when a part is not as it should be or there is no room for it.",
    },
    .{
        .name = "mrrc_replace",
        .parameters = &.{ "target", "record", "changes" },
        .text = "Write a sound ISO 2709 record again with other contents of up to 16 fields, without looking at its text. A NUL ends `record` and `changes`; these hold for each the tag, what the first field with it is to hold, and 1E. `target`, which does not overlap the others, has room for 100,000. Gives `target`, where a NUL is behind the record, or null when the record is not sound or its fields do not stand in the order of its directory, when it has no such field, when there would be a NUL in it, or ISO 2709 has no room for it.",
    },
    .{
        .name = "mrrc_take_apart",
        .parameters = &.{ "bytes", "length", "target", "ends", "capacity", "tags" },
        .text = "Take apart records in the flat form, one behind the other, as sound ISO 2709 records of MRRC_KIND_PLAIN are, too. For each go to `target` a byte for each field, the number of its tag, and 1E; each field's value, its subfields' values stripped and joined by blanks, with 1E behind it; 1D, and nothing before that where the record is not UTF-8. `target` has room for `length`, `ends` for `capacity` numbers: where in `target` each 1D stands. `tags` has room for 1024: a tag and 1E for each number, 0 to 9 for 000 to 009, others from 32 on. Gives the number behind the last, or MRRC_INVALID_ARGUMENT when the bytes are no such records, or there are too many of them or of their tags.",
    },
    .{
        .name = "mrrc_ask",
        .parameters = &.{ "bytes", "length", "queries", "queries_length", "are_sound", "target", "written" },
        .text = "What records in the flat form, one behind the other, say to up to 16 queries: a tag and the codes of subfields, or no codes for all of its content, with blanks between queries. With `are_sound` they are sound ISO 2709 records of MRRC_KIND_PLAIN, and looked into by their directories. For each record go to `target` the answers, with 1E between them, and 1D. An answer is the first subfield with the first code in the first field with that tag, and those with the other codes, joined by blanks; 1F when there is none. `target` has room for `length` times the queries.",
    },
    .{
        .name = "mrrc_shapes",
        .parameters = &.{ "bytes", "length", "target" },
        .text = "What records in the flat form, one behind the other, are made of, but for their text. For each go to `target`: of each field the tag; its indicators; 1F where it has subfields, and the code of each, 1F for one without a code; 1E; and 1D behind the fields. Of a control field there is the tag, and 1F where it has subfields all the same. `target` has room for `length`. Gives the length of what was written, or MRRC_INVALID_ARGUMENT when the bytes are no such records.",
    },
    .{
        .name = "mrrc_pipeline_create",
        .parameters = &.{ "pipeline_options", "options", "result" },
        .text = "Start threads that work on the ISO 2709 records of a source. `options` says how to convert; it is needed for the other jobs, too, and its source is MRRC_FORMAT_MARC. The file stays open until mrrc_pipeline_close is through. Any number of threads may use the pipeline.",
    },
    .{
        .name = "mrrc_pipeline_next",
        .parameters = &.{ "pipeline", "milliseconds", "result" },
        .text = "The next piece (MRRC_OUTPUT), waiting for no longer than so many milliseconds (MRRC_NOTHING_YET). MRRC_NEED_INPUT: there is room to push more, and with `milliseconds` above 0 nothing else to wait for. MRRC_DONE at the end, MRRC_CLOSED behind mrrc_pipeline_close.",
    },
    .{
        .name = "mrrc_pipeline_give_back",
        .parameters = &.{ "pipeline", "piece" },
        .text = "Be done with a piece: `piece` of the result of mrrc_pipeline_next.",
    },
    .{
        .name = "mrrc_pipeline_push",
        .parameters = &.{ "pipeline", "bytes", "length", "flags" },
        .text = "Add to the source of a pipeline without a file; the bytes are copied. MRRC_FLUSH: what is whole of it should be worked on now. MRRC_FINAL: nothing comes behind it. MRRC_OUTPUT: there is no room, nothing was taken; MRRC_DONE: it was.",
    },
    .{ .name = "mrrc_pipeline_stats", .parameters = &.{ "pipeline", "result" }, .text = "What a pipeline has done up to now." },
    .{
        .name = "mrrc_pipeline_close",
        .parameters = &.{"pipeline"},
        .text = "Stop the threads and wait until they have ended; each ends its range first. Whoever waits for a piece gets MRRC_CLOSED. May be called at any time, from any thread, and again.",
    },
    .{
        .name = "mrrc_pipeline_destroy",
        .parameters = &.{"pipeline"},
        .text = "Close and free a pipeline with all its pieces, when nobody uses it any more. A null pointer is left alone.",
    },
    .{
        .name = "mrrc_find_boundary",
        .parameters = &.{ "bytes", "length", "from", "flags", "found" },
        .text = "The first place at or behind `from` where a record begins whatever stands before it. `bytes` should reach back to one that is no line end, by more than 4,096, or to the source's start (MRRC_START). MRRC_NEED_INPUT: more bytes are needed, those before `found` are not; MRRC_DONE: `found` is the place, or `length` when there is none.",
    },
    .{
        .name = "mrrc_plan_create",
        .parameters = &.{ "program", "length", "failure", "result" },
        .text = "Make a plan of what is wanted of records: columns and a filter. `program` is written in docs/c.md, under \"Columns\". Free it with mrrc_plan_destroy; what uses it keeps it as long as that needs it.",
    },
    .{ .name = "mrrc_plan_destroy", .parameters = &.{"plan"}, .text = "Be done with a plan. A null pointer is left alone." },
    .{
        .name = "mrrc_table_create",
        .parameters = &.{ "plan", "result" },
        .text = "Make a table of the rows (MRRC_FORMAT_ROWS) that a plan gives. Free it with mrrc_table_destroy.",
    },
    .{ .name = "mrrc_table_destroy", .parameters = &.{"table"}, .text = "Free a table and the rows in it. A null pointer is left alone." },
    .{
        .name = "mrrc_table_add",
        .parameters = &.{ "table", "rows", "length", "before", "limit", "flags", "added" },
        .text = "Add rows to the batch at hand, up to `limit` in it. `before` is added to the number of each record. MRRC_NEED_INPUT: all are added; MRRC_OUTPUT: the batch is full, take it and call again with what was not consumed; MRRC_PROBLEM: with MRRC_STRICT, a value is repeated.",
    },
    .{
        .name = "mrrc_table_take",
        .parameters = &.{ "table", "array" },
        .text = "Move the batch at hand to `array`, a struct ArrowArray of Arrow's C data interface, and begin another.",
    },
    .{
        .name = "mrrc_table_text",
        .parameters = &.{ "table", "form", "rows", "length", "before", "separator", "flags", "added", "output" },
        .text = "Rows as text, good until the next call: `form` is a MRRC_TEXTFORM, `separator` stands between the values of CSV. MRRC_TEXTFORM_VALUES has no lines, but 1E behind each value and 1D behind those of a column. MRRC_PROBLEM: with MRRC_STRICT, a value is repeated; the text is that of the rows before.",
    },
    .{
        .name = "mrrc_table_tally",
        .parameters = &.{ "table", "column", "tally" },
        .text = "What the rows added up to now had in a column that it does not tell.",
    },
    .{
        .name = "mrrc_arrow_schema",
        .parameters = &.{ "plan", "result" },
        .text = "The schema of a plan's batches, a struct ArrowSchema. Free it with mrrc_arrow_free_schema.",
    },
    .{
        .name = "mrrc_arrow_stream",
        .parameters = &.{ "plan", "number", "pull", "drop", "result" },
        .text = "Make a struct ArrowArrayStream. `int pull(uint64_t number, struct ArrowArray *, char message[1024])` brings on each batch, or an errno and a message; `void drop(uint64_t number)` is called when the stream is released. Free it with mrrc_arrow_free_stream.",
    },
    .{ .name = "mrrc_arrow_free_schema", .parameters = &.{"schema"}, .text = "Release what was not moved elsewhere, and free the structure." },
    .{ .name = "mrrc_arrow_free_stream", .parameters = &.{"stream"}, .text = "Release what was not moved elsewhere, and free the structure." },
    .{
        .name = "mrrc_arrow_python",
        .parameters = &.{ "ensure", "leave", "get_pointer", "fetch", "restore" },
        .text = "Where Python is the host: its PyGILState_Ensure, PyGILState_Release, PyCapsule_GetPointer, PyErr_Fetch and PyErr_Restore, for streams and for the next two.",
    },
    .{ .name = "mrrc_arrow_destroy_schema", .parameters = &.{"capsule"}, .text = "The destructor of a Python capsule with a schema of mrrc_arrow_schema." },
    .{ .name = "mrrc_arrow_destroy_stream", .parameters = &.{"capsule"}, .text = "The destructor of a Python capsule with a stream of mrrc_arrow_stream." },
    .{
        .name = "mrrc_arrow_end",
        .parameters = &.{},
        .text = "From now on no stream calls `pull` or `drop` any more: whoever has them is gone.",
    },
    .{
        .name = "mrrc_decode_marc8",
        .parameters = &.{ "converter", "bytes", "length", "sets", "output", "problem" },
        .text = "Decode one value of MARC-8 text to UTF-8 in NFC, with the options of the converter and beginning with `sets`, which come back as they were left.",
    },
};

pub const Documentation = struct { name: []const u8, parameters: []const []const u8, text: []const u8 };

/// Flags of a call, for `bindings.zig`.
pub const flag_table = .{
    .{ "FINAL", flag_final, "No input comes behind these bytes." },
    .{ "RESTART", flag_restart, "Begin another stream with the same converter." },
    .{ "START", flag_start, "The bytes are the start of a source." },
    .{ "CLOSELY", flag_closely, "Look at the text and the parts of fields, too, and tell what is irregular." },
    .{ "UTF8", flag_utf8, "The records are in UTF-8 whatever leader/09 says." },
    .{ "LENIENT", flag_lenient, "A damaged record is an entry of its own kind, whole, and no problem." },
    .{ "FLUSH", flag_flush, "More input may be long in coming." },
    .{ "STRICT_MARC", flag_strict_marc, "Records have to keep to MARC 21, too: see Level." },
    .{ "STRICT", flag_strict, "Stop at a value that is repeated where there should be one." },
    .{ "SEARCHING", flag_searching, "The search goes on: the bytes do not begin with the damaged record." },
};

test {
    _ = @import("apart.zig");
    _ = @import("arrow.zig");
    _ = @import("buffer.zig");
    _ = @import("canonical.zig");
    _ = @import("convert.zig");
    _ = @import("cursor.zig");
    _ = @import("description.zig");
    _ = @import("flat.zig");
    _ = @import("iso2709.zig");
    _ = @import("join.zig");
    _ = @import("json_direct.zig");
    _ = @import("json_reader.zig");
    _ = @import("json_writer.zig");
    _ = @import("line.zig");
    _ = @import("lines.zig");
    _ = @import("marc8.zig");
    _ = @import("marcxml_reader.zig");
    _ = @import("marcxml_writer.zig");
    _ = @import("mrk.zig");
    _ = @import("normalize.zig");
    _ = @import("pipeline.zig");
    _ = @import("plan.zig");
    _ = @import("problem.zig");
    _ = @import("record.zig");
    _ = @import("regex.zig");
    _ = @import("salvage.zig");
    _ = @import("scan.zig");
    _ = @import("seq.zig");
    _ = @import("table.zig");
    _ = @import("usual.zig");
    _ = @import("utf8.zig");
    _ = @import("walk.zig");
    _ = @import("xml_token.zig");
}

test "a search that goes on takes nothing for the frame of the damaged record" {
    const bytes = "00026 what goes on behind" ++ "\x1d" ++ " is no leader at all and so no end";
    var skip: u64 = 0;
    try std.testing.expectEqual(@backingInt(Status.done), mrrc_resync(bytes, bytes.len, 0, &skip));
    try std.testing.expectEqual(@as(u64, 26), skip);
    try std.testing.expectEqual(@backingInt(Status.need_input), mrrc_resync(bytes, bytes.len, flag_searching, &skip));
    // A record that ends further on may begin in all of this.
    try std.testing.expectEqual(@as(u64, 0), skip);
}
