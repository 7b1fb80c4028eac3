//! Apache Arrow's C data interface and C stream interface: the structures by which columns change hands
//! without being copied, and the callbacks that whoever has them frees them with. See
//! https://arrow.apache.org/docs/format/CDataInterface.html and CStreamInterface.html.

const std = @import("std");

pub const Schema = extern struct {
    format: [*:0]const u8,
    name: ?[*:0]const u8 = null,
    metadata: ?[*]const u8 = null,
    flags: i64 = 0,
    n_children: i64 = 0,
    children: ?[*]*Schema = null,
    dictionary: ?*Schema = null,
    release: ?*const fn (*Schema) callconv(.c) void = null,
    private_data: ?*anyopaque = null,

    pub const nullable = 2;
};

pub const Array = extern struct {
    length: i64,
    null_count: i64 = 0,
    offset: i64 = 0,
    n_buffers: i64,
    n_children: i64 = 0,
    buffers: [*]const ?*const anyopaque,
    children: ?[*]*Array = null,
    dictionary: ?*Array = null,
    release: ?*const fn (*Array) callconv(.c) void = null,
    private_data: ?*anyopaque = null,
};

pub const Stream = extern struct {
    get_schema: *const fn (*Stream, *Schema) callconv(.c) c_int,
    get_next: *const fn (*Stream, *Array) callconv(.c) c_int,
    get_last_error: *const fn (*Stream) callconv(.c) ?[*:0]const u8,
    release: ?*const fn (*Stream) callconv(.c) void,
    private_data: ?*anyopaque,
};

/// Aligned as `malloc` does it, so that they mostly grow without being copied. Arrow recommends 64 bytes
/// and needs 8.
pub const Bytes = std.array_list.Aligned(u8, .@"16");

/// What a schema or array that was handed out needs, freed with it.
fn Node(comptime T: type) type {
    return struct {
        arena: std.heap.ArenaAllocator,
        gpa: std.mem.Allocator,
        memory: [3]Bytes = @splat(.empty),

        const Self = @This();

        fn create(gpa: std.mem.Allocator) error{OutOfMemory}!*Self {
            const self = try gpa.create(Self);
            self.* = .{ .arena = .init(gpa), .gpa = gpa };
            return self;
        }

        fn destroy(self: *Self) void {
            const gpa = self.gpa;
            for (&self.memory) |*bytes| bytes.deinit(gpa);
            self.arena.deinit();
            gpa.destroy(self);
        }

        /// Children may have been moved elsewhere, and live on there.
        fn release(it: *T) callconv(.c) void {
            const self: *Self = @ptrCast(@alignCast(it.private_data));
            if (it.children) |children| for (children[0..@intCast(it.n_children)]) |child| {
                if (child.release) |free| free(child);
            };
            it.release = null;
            self.destroy();
        }
    };
}

pub const Error = error{OutOfMemory};

/// Make a schema of its own memory. `children` are taken over, also where it cannot be made.
pub fn schemaOf(gpa: std.mem.Allocator, format: [:0]const u8, name: []const u8, flags: i64, children: []Schema) Error!Schema {
    errdefer releaseAll(Schema, children);
    const node: *Node(Schema) = try .create(gpa);
    errdefer node.destroy();
    const arena = node.arena.allocator();
    return .{
        .format = format,
        .name = try arena.dupeSentinel(u8, name, 0),
        .flags = flags,
        .n_children = @intCast(children.len),
        .children = try moved(Schema, arena, children),
        .release = Node(Schema).release,
        .private_data = node,
    };
}

/// Make an array of buffers, which are taken over as the children are, also where it cannot be made. The
/// first is the validity bitmap: there is none where there are no nulls.
pub fn arrayOf(gpa: std.mem.Allocator, length: usize, null_count: usize, buffers: []Bytes, children: []Array) Error!Array {
    errdefer {
        releaseAll(Array, children);
        for (buffers) |*bytes| bytes.deinit(gpa);
    }
    const node: *Node(Array) = try .create(gpa);
    errdefer node.destroy();
    const arena = node.arena.allocator();
    const pointers = try arena.alloc(?*const anyopaque, buffers.len);
    const kept = try moved(Array, arena, children);
    for (buffers, pointers, node.memory[0..buffers.len], 0..) |*bytes, *pointer, *place, index| {
        place.* = bytes.*;
        bytes.* = .empty;
        // An empty buffer may have no address, but some readers want one.
        pointer.* = if (index == 0 and null_count == 0) null else if (place.capacity > 0) place.items.ptr else &nothing;
    }
    return .{
        .length = @intCast(length),
        .null_count = @intCast(null_count),
        .n_buffers = @intCast(buffers.len),
        .n_children = @intCast(children.len),
        .buffers = pointers.ptr,
        .children = kept,
        .release = Node(Array).release,
        .private_data = node,
    };
}

const nothing: [16]u8 align(16) = @splat(0);

fn moved(comptime T: type, arena: std.mem.Allocator, children: []T) Error!?[*]*T {
    if (children.len == 0) return null;
    const places = try arena.alloc(T, children.len);
    const pointers = try arena.alloc(*T, children.len);
    for (children, places, pointers) |*child, *place, *pointer| {
        place.* = child.*;
        child.release = null;
        pointer.* = place;
    }
    return pointers.ptr;
}

pub fn releaseAll(comptime T: type, items: []T) void {
    for (items) |*item| if (item.release) |free| free(item);
}

// ---- a stream whose batches the host brings on

/// Bring on the next batch: 0, and nothing in it at the end; or an errno, with a message of at most 1,023
/// bytes and NUL in the last place.
pub const Pull = fn (number: u64, array: *Array, message: *[message_max]u8) callconv(.c) c_int;
/// The stream with this number is no longer used.
pub const Drop = fn (number: u64) callconv(.c) void;

const message_max = 1024;

/// Set when the host has ended: then nothing of it may be called any more.
var has_host_ended: std.atomic.Value(bool) = .init(false);

pub fn endHost() void {
    has_host_ended.store(true, .release);
}

// ---- Python's capsules

/// Functions of Python's C interface by which capsules are opened, and an exception is put aside while
/// code of Python's runs.
pub const Python = extern struct {
    ensure: *const fn () callconv(.c) c_int,
    leave: *const fn (c_int) callconv(.c) void,
    get_pointer: *const fn (capsule: *anyopaque, name: [*:0]const u8) callconv(.c) ?*anyopaque,
    fetch: *const fn (*?*anyopaque, *?*anyopaque, *?*anyopaque) callconv(.c) void,
    restore: *const fn (?*anyopaque, ?*anyopaque, ?*anyopaque) callconv(.c) void,

    /// With the GIL, and without the exception that may be on its way.
    const Turn = struct {
        functions: ?Python,
        state: c_int = 0,
        exception: [3]?*anyopaque = @splat(null),

        fn begin() Turn {
            var self: Turn = .{ .functions = python };
            const functions = python orelse return self;
            self.state = functions.ensure();
            functions.fetch(&self.exception[0], &self.exception[1], &self.exception[2]);
            return self;
        }

        fn end(self: *const Turn) void {
            const functions = self.functions orelse return;
            functions.restore(self.exception[0], self.exception[1], self.exception[2]);
            functions.leave(self.state);
        }
    };
};

/// Set once, before any capsule is made; nothing where another language is the host.
var python: ?Python = null;

pub fn usePython(functions: Python) void {
    python = functions;
}

/// What is called when a capsule goes, which may be while an exception is on its way.
pub fn destroyCapsule(comptime T: type, capsule: *anyopaque, gpa: std.mem.Allocator) void {
    const functions = python orelse return;
    const turn: Python.Turn = .begin();
    defer turn.end();
    const pointer = functions.get_pointer(capsule, if (T == Schema) "arrow_schema" else "arrow_array_stream") orelse return;
    const structure: *T = @ptrCast(@alignCast(pointer));
    // Whoever took it has marked it as released.
    if (structure.release) |free| free(structure);
    gpa.destroy(structure);
}

const Source = struct {
    gpa: std.mem.Allocator,
    number: u64,
    pull: *const Pull,
    drop: *const Drop,
    context: *anyopaque,
    schema: *const fn (context: *anyopaque) Error!Schema,
    forget: *const fn (context: *anyopaque) void,
    message: [message_max]u8 = @splat(0),

    fn of(stream: *Stream) *Source {
        return @ptrCast(@alignCast(stream.private_data));
    }

    fn say(self: *Source, message: []const u8) void {
        const length = @min(message.len, message_max - 1);
        @memcpy(self.message[0..length], message[0..length]);
        self.message[length] = 0;
    }

    fn getSchema(stream: *Stream, schema: *Schema) callconv(.c) c_int {
        const self = of(stream);
        schema.* = self.schema(self.context) catch {
            self.say("out of memory");
            return @backingInt(std.c.E.NOMEM);
        };
        return 0;
    }

    fn getNext(stream: *Stream, array: *Array) callconv(.c) c_int {
        const self = of(stream);
        array.release = null;
        if (has_host_ended.load(.acquire)) {
            self.say("the program that reads has ended");
            return @backingInt(std.c.E.IO);
        }
        const turn: Python.Turn = .begin();
        defer turn.end();
        const failure = self.pull(self.number, array, &self.message);
        self.message[message_max - 1] = 0;
        return failure;
    }

    fn getLastError(stream: *Stream) callconv(.c) ?[*:0]const u8 {
        const self = of(stream);
        return if (self.message[0] == 0) null else self.message[0 .. message_max - 1 :0];
    }

    fn release(stream: *Stream) callconv(.c) void {
        const self = of(stream);
        if (!has_host_ended.load(.acquire)) {
            const turn: Python.Turn = .begin();
            defer turn.end();
            self.drop(self.number);
        }
        self.forget(self.context);
        stream.release = null;
        self.gpa.destroy(self);
    }
};

/// Make a stream. `context` knows the schema, and is forgotten with the stream.
pub fn streamOf(
    gpa: std.mem.Allocator,
    number: u64,
    pull: *const Pull,
    drop: *const Drop,
    context: *anyopaque,
    schema: *const fn (*anyopaque) Error!Schema,
    forget: *const fn (*anyopaque) void,
) Error!Stream {
    const source = try gpa.create(Source);
    source.* = .{ .gpa = gpa, .number = number, .pull = pull, .drop = drop, .context = context, .schema = schema, .forget = forget };
    return .{
        .get_schema = Source.getSchema,
        .get_next = Source.getNext,
        .get_last_error = Source.getLastError,
        .release = Source.release,
        .private_data = source,
    };
}
