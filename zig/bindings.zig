//! Writes the two faces of the C ABI from the types in `abi.zig`: `mrrc.h` for C, and the ctypes
//! declarations for Python. `zig run zig/bindings.zig -- header` or `-- python` prints one of them.

const std = @import("std");
const abi = @import("abi.zig");
const problem_module = @import("problem.zig");

const structs = .{ "Problem", "Options", "Counts", "Output", "Scan", "Sets", "PipelineOptions", "Damage", "Piece", "Stats", "PlanFailure", "Added", "Tally" };
const enums = .{
    .{ "Status", abi.Status, "What a call comes back with. Negative numbers are failures of the call itself." },
    .{ "Format", abi.Format, "The formats." },
    .{ "Encoding", abi.Encoding, "How the text of an ISO 2709 record is encoded." },
    .{ "Level", abi.Level, "What records are held to." },
    .{ "Normalization", abi.Normalization, "The form of Unicode text that is written, but in MARC-8." },
    .{ "Unmappable", abi.Unmappable, "What to do with a character that MARC-8 does not have." },
    .{ "Cpu", abi.Cpu, "Processors that code is made for." },
    .{ "Kind", abi.Kind, "What mrrc_scan found before an end." },
    .{ "TextForm", abi.TextForm, "What mrrc_table_text makes of rows." },
    .{ "Job", abi.Job, "What a pipeline makes of the records." },
    .{ "Failure", abi.Failure, "Why a pipeline could not work on a range." },
    .{ "Outcome", problem_module.Outcome, "What became of a record that something is wrong with: Problem.outcome." },
    .{ "Code", problem_module.Code, "What is wrong: Problem.code." },
};

const Language = enum { header, python };

pub fn main(init: std.process.Init.Minimal) !void {
    var arguments = init.args.iterate();
    _ = arguments.next();
    const language = std.meta.stringToEnum(Language, arguments.next() orelse "") orelse return error.Usage;
    var text: Text = .{};
    switch (language) {
        .header => writeHeader(&text),
        .python => writePython(&text),
    }
    const bytes = text.bytes[0..text.length];
    var written: usize = 0;
    while (written < bytes.len) {
        const count = std.c.write(1, bytes.ptr + written, bytes.len - written);
        if (count <= 0) return error.WriteFailed;
        written += @intCast(count);
    }
}

/// All that is written, gathered before it goes out.
const Text = struct {
    bytes: [64 * 1024]u8 = undefined,
    length: usize = 0,

    fn print(self: *Text, comptime format: []const u8, arguments: anytype) void {
        const out = std.fmt.bufPrint(self.bytes[self.length..], format, arguments) catch @panic("64 KiB are too few");
        self.length += out.len;
    }
};

fn upper(comptime name: []const u8) []const u8 {
    const Static = struct {
        const letters = blk: {
            var out: [name.len]u8 = undefined;
            for (name, 0..) |byte, index| out[index] = std.ascii.toUpper(byte);
            break :blk out;
        };
    };
    return &Static.letters;
}

/// A name in the C ABI's style: `MrrcOutput` for `Output`.
fn structOf(comptime T: type) ?[]const u8 {
    @setEvalBranchQuota(10_000);
    inline for (structs) |name| if (T == @field(abi, name)) return name;
    return null;
}

fn cType(comptime T: type) []const u8 {
    return switch (T) {
        u8 => "uint8_t",
        u32 => "uint32_t",
        u64 => "uint64_t",
        i32 => "int32_t",
        void => "void",
        ?[*]const u8, ?[*:0]const u8 => "const uint8_t *",
        ?[*]u8 => "uint8_t *",
        ?[*]u32 => "uint32_t *",
        ?[*]const u32 => "const uint32_t *",
        ?[*]const abi.Damage => "const MrrcDamage *",
        ?[*]u64 => "uint64_t *",
        *u64 => "uint64_t *",
        ?*anyopaque, ?*const anyopaque => "void *",
        *?*anyopaque => "void **",
        else => comptime blk: {
            if (structOf(T)) |name| break :blk "Mrrc" ++ name;
            const pointer = @typeInfo(T).pointer;
            const name = structOf(pointer.child).?;
            break :blk (if (pointer.attrs.@"const") "const Mrrc" else "Mrrc") ++ name ++ " *";
        },
    };
}

fn pythonType(comptime T: type) []const u8 {
    return switch (T) {
        u8 => "c_uint8",
        u32 => "c_uint32",
        u64 => "c_uint64",
        i32 => "c_int32",
        void => "None",
        ?[*:0]const u8 => "c_char_p",
        ?[*]const u8, ?[*]u8, ?[*]u32, ?[*]const u32, ?[*]u64, ?[*]const abi.Damage, ?*anyopaque, ?*const anyopaque => "c_void_p",
        *u64 => "POINTER(c_uint64)",
        *?*anyopaque => "POINTER(c_void_p)",
        else => comptime blk: {
            if (structOf(T)) |name| break :blk name;
            break :blk "POINTER(" ++ structOf(@typeInfo(T).pointer.child).? ++ ")";
        },
    };
}

/// How a parameter is given to ctypes: one of these types for what is passed for each record.
fn argumentType(comptime T: type) []const u8 {
    return switch (T) {
        u32 => "Int",
        ?[*:0]const u8 => "Bytes",
        else => pythonType(T),
    };
}

/// An array's element and length, or the type itself.
fn elementOf(comptime T: type) struct { type, ?usize } {
    return switch (@typeInfo(T)) {
        .array => |array| .{ array.child, array.len },
        else => .{ T, null },
    };
}

fn writeHeader(text: *Text) void {
    @setEvalBranchQuota(100_000);
    text.print(
        \\/* Written by zig/bindings.zig from the Zig types. Do not edit: change them and run it again.
        \\ *
        \\ * The C interface of mrrc-ct: bytes in, bytes out. Only a
        \\ * pipeline reads a file, one that is open already. Offsets and lengths are in bytes.
        \\ * No function prints, aborts or keeps a pointer that it was given. A converter is used by one
        \\ * thread at a time; another one gets MRRC_STATUS_BUSY. A pipeline is for any number of them. */
        \\#ifndef MRRC_H
        \\#define MRRC_H
        \\
        \\#include <stdint.h>
        \\
        \\#ifdef __cplusplus
        \\extern "C" {{
        \\#endif
        \\
        \\#define MRRC_ABI_VERSION {d}
        \\
        \\
    , .{abi.abi_version});
    text.print("/* Flags of a call. */\n", .{});
    inline for (abi.flag_table) |flag| text.print("#define MRRC_{s} {d} /* {s} */\n", .{ flag[0], flag[1], flag[2] });
    inline for (enums) |entry| {
        text.print("\n/* {s} */\nenum {{\n", .{entry[2]});
        inline for (@typeInfo(entry[1]).@"enum".field_names) |name| {
            const value = @backingInt(@field(entry[1], name));
            text.print("    MRRC_{s}_{s} = {d},\n", .{ upper(entry[0]), upper(name), value });
        }
        text.print("}};\n", .{});
    }
    inline for (structs) |name| {
        const info = @typeInfo(@field(abi, name)).@"struct";
        text.print("\ntypedef struct Mrrc{s} {{\n", .{name});
        inline for (info.field_names, info.field_types) |field, T| {
            const element, const count = comptime elementOf(T);
            const space = if (comptime std.mem.endsWith(u8, cType(element), "*")) "" else " ";
            text.print("    {s}{s}{s}", .{ cType(element), space, field });
            if (count) |number| text.print("[{d}]", .{number});
            text.print(";\n", .{});
        }
        text.print("}} Mrrc{s};\n", .{name});
    }
    inline for (abi.documentation) |function| {
        const info = @typeInfo(@TypeOf(@field(abi, function.name))).@"fn";
        const result = comptime cType(info.return_type.?);
        text.print("\n/* {s} */\n{s} {s}(", .{ function.text, result, function.name });
        inline for (info.param_types, function.parameters, 0..) |T, name, index| {
            const parameter = comptime cType(T.?);
            const space = if (comptime std.mem.endsWith(u8, parameter, "*")) "" else " ";
            text.print("{s}{s}{s}{s}", .{ if (index > 0) ", " else "", parameter, space, name });
        }
        text.print("{s});\n", .{if (function.parameters.len == 0) "void" else ""});
    }
    text.print(
        \\
        \\#ifdef __cplusplus
        \\}}
        \\#endif
        \\
        \\#endif
        \\
    , .{});
}

fn writePython(text: *Text) void {
    @setEvalBranchQuota(100_000);
    text.print(
        \\"""The C interface of the core, for ctypes.
        \\
        \\Written by zig/bindings.zig from the Zig types. Do not edit: change them and run it again.
        \\"""
        \\
        \\# fmt: off
        \\# ruff: noqa
        \\# What ctypes takes as a type is more than typeshed says.
        \\# mypy: disable-error-code=list-item
        \\from __future__ import annotations
        \\
        \\from _operator import index
        \\from ctypes import CDLL, POINTER, Array, Structure, c_char_p, c_int32, c_uint8, c_uint32, c_uint64, c_void_p
        \\
        \\ABI_VERSION = {d}
        \\
        \\
        \\class Int:
        \\    """A number of 32 bits as an argument. That of ctypes would take several times as long."""
        \\
        \\    from_param = index
        \\
        \\
        \\class Bytes:
        \\    """The same for `bytes` with a NUL behind them, as all have."""
        \\
        \\    from_param = getattr(bytes, "__bytes__", c_char_p.from_param)  # new in Python 3.11
        \\
        \\
    , .{abi.abi_version});
    inline for (abi.flag_table) |flag| text.print("#: {s}\n{s} = {d}\n", .{ flag[2], flag[0], flag[1] });
    inline for (enums) |entry| {
        text.print("\n\nclass {s}:\n    \"\"\"{s}\"\"\"\n\n", .{ entry[0], entry[2] });
        inline for (@typeInfo(entry[1]).@"enum".field_names) |name| {
            text.print("    {s} = {d}\n", .{ upper(name), @backingInt(@field(entry[1], name)) });
        }
    }
    inline for (structs) |name| {
        const info = @typeInfo(@field(abi, name)).@"struct";
        text.print("\n\nclass {s}(Structure):\n", .{name});
        inline for (info.field_names, info.field_types) |field, T| {
            const element, const count = comptime elementOf(T);
            const python = if (comptime structOf(element)) |other| other else if (count != null) "Array[c_uint8]" else "int";
            // A null pointer comes back as None.
            const maybe = if (comptime std.mem.eql(u8, pythonType(element), "c_void_p")) " | None" else "";
            text.print("    {s}: {s}{s}\n", .{ field, python, maybe });
        }
        text.print("    _fields_ = [\n", .{});
        inline for (info.field_names, info.field_types) |field, T| {
            const element, const count = comptime elementOf(T);
            text.print("        (\"{s}\", {s}", .{ field, pythonType(element) });
            if (count) |number| text.print(" * {d}", .{number});
            text.print("),\n", .{});
        }
        text.print("    ]\n", .{});
    }
    text.print("\n\ndef declare(library: CDLL) -> None:\n    \"\"\"Give each function of the library its types.\"\"\"\n", .{});
    inline for (abi.documentation) |function| {
        const info = @typeInfo(@TypeOf(@field(abi, function.name))).@"fn";
        text.print("    # {s}({s})\n", .{ function.name, comptime joined(function.parameters) });
        text.print("    library.{s}.argtypes = [", .{function.name});
        inline for (info.param_types, 0..) |T, index| {
            text.print("{s}{s}", .{ if (index > 0) ", " else "", comptime argumentType(T.?) });
        }
        text.print("]\n    library.{s}.restype = {s}\n", .{ function.name, comptime pythonType(info.return_type.?) });
    }
}

fn joined(comptime names: []const []const u8) []const u8 {
    var out: []const u8 = "";
    for (names, 0..) |name, index| out = out ++ (if (index > 0) ", " else "") ++ name;
    return out;
}

comptime {
    @setEvalBranchQuota(10_000);
    // Every exported function is documented, with a name for each parameter.
    var count: usize = 0;
    for (@typeInfo(abi).@"struct".decl_names) |name| {
        if (!std.mem.startsWith(u8, name, "mrrc_")) continue;
        count += 1;
        const parameters = for (abi.documentation) |function| {
            if (std.mem.eql(u8, function.name, name)) break function.parameters;
        } else @compileError(name ++ " is not documented");
        const info = @typeInfo(@TypeOf(@field(abi, name))).@"fn";
        if (info.param_types.len != parameters.len) @compileError(name ++ " has other parameters than documented");
    }
    if (count != abi.documentation.len) @compileError("a documented function is not exported");
}
