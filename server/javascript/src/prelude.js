// What MongoDB adds to JavaScript, and what the server itself calls.
//
// Evaluates to a function that is given the natives and returns the object with which the server
// works. It is not among the globals, but what it uses of the language a script may replace: a script
// that does so confuses nobody but itself, because the server believes no value its type.
(function (native) {
    "use strict";

    const KIND = Symbol("kind");
    const functions = [];
    const globals = globalThis;

    // Not enumerable, so that `for (key in value)` shows documents alone.
    function hide(object, fields) {
        for (const name of Reflect.ownKeys(fields)) {
            const value = fields[name];
            Object.defineProperty(object, name, { value, writable: true, configurable: true });
        }
        return object;
    }

    function getters(object, fields) {
        for (const name of Object.keys(fields)) {
            Object.defineProperty(object, name, { get: fields[name], configurable: true });
        }
    }

    // A type of BSON that is a class here. `make` gives the parts by which the server knows a value;
    // `new` may be left out.
    function type(name, make, methods, properties) {
        const Type = {
            [name]: function (...given) {
                const value = new.target ? this : Object.create(Type.prototype);
                hide(value, { [KIND]: [name, ...make(...given)] });
                return value;
            },
        }[name];
        hide(Type.prototype, methods);
        hide(Type.prototype, { tojson() { return this.toString(); } });
        hide(Type.prototype, { toJSON() { return this.toString(); } });
        getters(Type.prototype, properties || {});
        hide(globals, { [name]: Type });
        return Type;
    }

    const held = (value) => value[KIND][1];
    const quoted = (text) => JSON.stringify(text);

    // ---- numbers

    function long(value) {
        if (value instanceof NumberLong) return held(value);
        if (typeof value === "bigint") return BigInt.asIntN(64, value);
        if (typeof value === "string") {
            if (!/^\s*[-+]?\d+\s*$/.test(value)) throw new Error("NumberLong: not a whole number");
            return BigInt.asIntN(64, BigInt(value.trim().replace(/^\+/, "")));
        }
        const number = Math.trunc(Number(value));
        if (Number.isNaN(number)) return 0n;
        if (number >= 2 ** 63) return 2n ** 63n - 1n;
        return number < -(2 ** 63) ? -(2n ** 63n) : BigInt(number);
    }

    const NumberLong = type("NumberLong", (value = 0) => [long(value)], {
        valueOf() { return Number(held(this)); },
        toNumber() { return Number(held(this)); },
        compare(other) {
            const [a, b] = [held(this), long(other)];
            return a < b ? -1 : a > b ? 1 : 0;
        },
        toString() {
            const value = held(this);
            const plain = value >= -(2n ** 31n) && value < 2n ** 31n;
            return plain ? `NumberLong(${value})` : `NumberLong("${value}")`;
        },
    }, {
        floatApprox() { return Number(held(this)); },
        top() { return Number(held(this) >> 32n); },
        bottom() { return Number(BigInt.asUintN(32, held(this))); },
    });

    type("NumberInt", (value = 0) => [Number(value) | 0], {
        valueOf() { return held(this); },
        toNumber() { return held(this); },
        toString() { return `NumberInt(${held(this)})`; },
    });

    const NumberDecimal = type("NumberDecimal", (value = "0") => [native.decimal(String(value))], {
        toString() { return `NumberDecimal("${held(this)}")`; },
    });

    // ---- identities and bytes

    const ObjectId = type("ObjectId", (hex) => {
        if (hex === undefined) return [native.objectId()];
        const text = hex instanceof ObjectId ? held(hex) : String(hex);
        if (!/^[0-9a-fA-F]{24}$/.test(text)) throw new Error("invalid object id: length");
        return [text.toLowerCase()];
    }, {
        valueOf() { return this; },
        equals(other) { return other instanceof ObjectId && held(other) === held(this); },
        getTimestamp() { return new Date(parseInt(held(this).slice(0, 8), 16) * 1000); },
        toString() { return `ObjectId("${held(this)}")`; },
    }, {
        str() { return held(this); },
    });

    const hexOf = (base64) => native.hex(base64);

    const BinData = type("BinData", (subtype, base64) => [Number(subtype) & 255, native.base64(base64)], {
        base64() { return this[KIND][2]; },
        hex() { return hexOf(this[KIND][2]); },
        length() { return hexOf(this[KIND][2]).length / 2; },
        toString() {
            const hex = hexOf(this[KIND][2]);
            if (held(this) === 4 && hex.length === 32) {
                return `UUID("${hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-")}")`;
            }
            return `BinData(${held(this)},"${this[KIND][2]}")`;
        },
    }, {
        type() { return held(this); },
    });

    function HexData(subtype, hex) {
        return new BinData(subtype, native.fromHex(String(hex)));
    }

    function UUID(text) {
        return HexData(4, text === undefined ? native.uuid() : String(text).replace(/-/g, ""));
    }

    // ---- the others

    type("Timestamp", (t = 0, i = 0) => [Number(t) >>> 0, Number(i) >>> 0], {
        getTime() { return held(this); },
        getInc() { return this[KIND][2]; },
        toString() { return `Timestamp(${held(this)}, ${this[KIND][2]})`; },
    }, {
        t() { return held(this); },
        i() { return this[KIND][2]; },
    });

    type("DBPointer", (ns, id) => [String(ns), new ObjectId(id).str], {
        toString() { return `DBPointer(${quoted(held(this))}, ObjectId("${this[KIND][2]}"))`; },
    }, {
        ns() { return held(this); },
        id() { return new ObjectId(this[KIND][2]); },
    });

    const Code = type("Code", (code = "", scope) => [String(code), scope], {
        toString() { return `Code(${quoted(held(this))})`; },
    }, {
        code() { return held(this); },
        scope() { return this[KIND][2]; },
    });

    // A pattern that other languages know and this one does not.
    const Pattern = type("RegExpOfOthers", (source, flags) => [source, flags], {
        toString() { return `/${held(this)}/${this[KIND][2]}`; },
    }, {
        source() { return held(this); },
        flags() { return this[KIND][2]; },
    });
    delete globals.RegExpOfOthers;

    const MinKey = new (type("MinKey", () => [], { toString() { return '{ "$minKey" : 1 }'; } }))();
    const MaxKey = new (type("MaxKey", () => [], { toString() { return '{ "$maxKey" : 1 }'; } }))();

    function DBRef(collection, id, database) {
        const reference = { $ref: String(collection), $id: id };
        if (database !== undefined) reference.$db = String(database);
        return reference;
    }

    function ISODate(text) {
        if (text === undefined) return new Date();
        const when = new Date(/^\d{8}$/.test(text) ? text.replace(/^(.{4})(..)/, "$1-$2-") : text);
        if (Number.isNaN(+when)) throw new Error(`invalid ISO date: ${text}`);
        return when;
    }

    // ---- showing values

    const DEPTH_MAX = 100;

    function tojson(value, indent = "", oneLine = false, depth = 0) {
        if (value === null || value === undefined) return String(value);
        switch (typeof value) {
            case "string": return quoted(value);
            case "number": case "boolean": case "bigint": return String(value);
            case "function": return value.toString();
            case "symbol": return value.toString();
        }
        if (value[KIND]) return value.toString();
        if (value instanceof Date) {
            return Number.isNaN(+value) ? "ISODate(NaN)" : `ISODate("${value.toISOString()}")`;
        }
        if (value instanceof RegExp || value instanceof Error) return value.toString();
        if (depth >= DEPTH_MAX) throw new Error("tojson: too deep");
        const inner = indent + "\t";
        const show = (item) => tojson(item, inner, oneLine, depth + 1);
        const isArray = Array.isArray(value);
        const parts = isArray
            ? Array.from(value, show)
            : Object.keys(value).map((key) => `${quoted(key)} : ${show(value[key])}`);
        const [open, close] = isArray ? ["[", "]"] : ["{", "}"];
        if (parts.length === 0) return isArray ? "[ ]" : "{ }";
        return oneLine
            ? `${open} ${parts.join(", ")} ${close}`
            : `${open}\n${inner}${parts.join(",\n" + inner)}\n${indent}${close}`;
    }

    const tojsononeline = (value) => tojson(value, "", true);

    function print(...values) {
        native.print(values.map((value) => String(value)).join(" "));
    }

    // ---- globals

    hide(globals, {
        BinData, DBRef, HexData, ISODate, MaxKey, MinKey, UUID, print, tojson, tojsononeline,
        NumberLong, NumberDecimal, Code, ObjectId,
        hex_md5: (text) => native.md5(String(text)),
        isNumber: (value) => typeof value === "number",
        isObject: (value) => typeof value === "object" && value !== null,
        isString: (value) => typeof value === "string",
        printjson: (value) => print(tojson(value)),
        printjsononeline: (value) => print(tojsononeline(value)),
        sleep: (millis) => native.sleep(Number(millis)),
    });
    hide(Array, {
        contains: (list, value) => list.includes(value),
        sum: (list) => list.reduce((sum, value) => sum + Number(value), 0),
        avg: (list) => list.length === 0 ? null : Array.sum(list) / list.length,
        unique: (list) => [...new Set(list)],
        tojson: (list, indent, oneLine) => tojson(list, indent, oneLine),
    });
    hide(Object, {
        extend: (target, source) => Object.assign(target, source),
        keySet: (object) => Object.keys(object),
    });

    // ---- loops of the engine that nothing interrupts
    //
    // They take as long as the length they are told, and a length can be told without having the
    // memory for it. So they are refused where the length is more than the heap could hold.

    const LENGTH_MAX = 1 << 22;

    function checked(length) {
        if (length > LENGTH_MAX) throw new RangeError(`an array of ${length} items is too long`);
    }

    // What is no array may say another length each time it is asked: a copy says what it has.
    function copied(like) {
        const object = Object(like);
        const length = Math.trunc(Number(object.length)) || 0;
        checked(length);
        const copy = [];
        for (let at = 0; at < length; at++) {
            if (at in object) copy[at] = object[at];
        }
        copy.length = length > 0 ? length : 0;
        return copy;
    }

    function bounded(like) {
        if (Array.isArray(like)) {
            checked(like.length);
            return like;
        }
        return ArrayBuffer.isView(like) ? like : copied(like);
    }

    function replace(object, name, make) {
        const original = object[name];
        if (original) hide(object, { [name]: make(original) });
    }

    for (const name of native.unbounded) {
        replace(Array.prototype, name, (original) => ({
            [name](...given) {
                return original.apply(bounded(this), given);
            },
        })[name]);
    }
    replace(Array.prototype, "concat", (original) => function concat(...given) {
        const spread = (item) => {
            if (typeof item !== "object" || item === null) return item;
            if (Array.isArray(item) || item[Symbol.isConcatSpreadable]) return bounded(item);
            return item;
        };
        return original.apply(spread(this), given.map(spread));
    });

    function flatten(into, list, depth) {
        for (const at in bounded(list)) {
            const item = list[at];
            if (depth > 0 && Array.isArray(item)) flatten(into, item, depth - 1);
            else into.push(item);
        }
        return into;
    }

    hide(Array.prototype, {
        flat(depth = 1) {
            return flatten([], bounded(this), Number(depth));
        },
        flatMap(map, self) {
            return flatten([], bounded(this).map(map, self), 1);
        },
    });

    hide(String, {
        raw(template, ...given) {
            let text = "";
            const parts = template.raw;
            for (let at = 0; at < parts.length; at++) {
                text += parts[at];
                if (at + 1 < parts.length && at < given.length) text += given[at];
            }
            return text;
        },
    });

    // Searching text for text takes the product of both lengths.
    const PRODUCT_MAX = 2 ** 33;

    for (const name of ["includes", "indexOf", "lastIndexOf", "replace", "replaceAll", "split"]) {
        replace(String.prototype, name, (original) => ({
            [name](wanted, ...given) {
                const text = typeof wanted === "object" && wanted !== null ? wanted : String(wanted);
                if (String(this).length * String(text).length > PRODUCT_MAX) {
                    throw new RangeError("a text that is too long to be searched for in another");
                }
                return original.call(this, text, ...given);
            },
        })[name]);
    }

    // What reads all that it is given does so in steps that can be interrupted.
    for (const [name, add] of [
        ["Set", (set, item) => set.add(item)],
        ["Map", (map, [key, value]) => map.set(key, value)],
        ["WeakSet", (set, item) => set.add(item)],
        ["WeakMap", (map, [key, value]) => map.set(key, value)],
    ]) {
        replace(globals, name, (Original) => {
            const Class = class extends Original {
                constructor(items) {
                    super();
                    if (items !== undefined && items !== null) {
                        for (const item of items) add(this, item);
                    }
                }
            };
            Object.defineProperty(Class, "name", { value: name });
            return Class;
        });
    }

    // What MongoDB's engine does not have either, and loops without end.
    for (const name of native.absent) delete Object.getPrototypeOf(Set.prototype)[name];
    const iterator = Object.getPrototypeOf(Object.getPrototypeOf([].values()));
    for (const name of Object.getOwnPropertyNames(iterator)) delete iterator[name];
    for (const name of ["Atomics", "Iterator", "SharedArrayBuffer", "queueMicrotask"]) delete globals[name];

    // ---- for the server

    // Indirect, so that a script sees the globals and nothing of this file.
    const evaluate = (0, eval);
    const attempt = (text) => {
        try {
            return evaluate(text);
        } catch (error) {
            if (error instanceof SyntaxError) return undefined;
            throw error;
        }
    };
    const IS_FUNCTION = /^(async\s+)?(function\b|\(?[\w$\s,=[\]{}."']*\)?\s*=>)/;

    // A function; else an expression, whose value counts; else the body of a function. Nothing of it
    // runs yet.
    function compile(number, source) {
        const text = source.trim().replace(/;+$/, "");
        if (IS_FUNCTION.test(text)) {
            const found = attempt(`(${text}\n)`);
            if (typeof found === "function") {
                functions[number] = found;
                return;
            }
        }
        functions[number] =
            attempt(`(function() { return (${text}\n); })`) || evaluate(`(function() { ${source}\n})`);
    }

    function test(number, document) {
        hide(globals, { obj: document });
        return !!functions[number].call(document);
    }

    // The parts of a value that is more than a plain object; undefined for one that is not.
    function parts(value) {
        if (value[KIND]) return value[KIND];
        if (value instanceof Date) return ["Date", +value];
        // The language writes slashes so that a pattern can stand between two; others need not.
        if (value instanceof RegExp) {
            return ["RegExp", value.source.replace(/\\\//g, "/"), value.flags];
        }
        if (typeof value === "function") return ["Code", value.toString()];
        if (value instanceof ArrayBuffer) return parts(new Uint8Array(value));
        if (value instanceof Uint8Array) {
            return ["BinData", 0, native.fromHex(Array.from(value, (byte) =>
                byte.toString(16).padStart(2, "0")).join(""))];
        }
        return undefined;
    }

    function regExp(source, flags) {
        try {
            return new RegExp(source, flags.replace(/[^ims]/g, ""));
        } catch {
            return new Pattern(source, flags);
        }
    }

    return {
        compile, test, functions, parts,
        keys: (value) => Object.keys(value),
        make: {
            NumberLong: (value) => new NumberLong(value),
            NumberDecimal: (text) => new NumberDecimal(text),
            ObjectId: (hex) => new ObjectId(hex),
            BinData: (subtype, base64) => new BinData(subtype, base64),
            Timestamp: (t, i) => new globals.Timestamp(t, i),
            DBPointer: (ns, hex) => new globals.DBPointer(ns, hex),
            Code: (code, scope) => new Code(code, scope),
            MinKey: () => MinKey,
            MaxKey: () => MaxKey,
            Date: (millis) => new Date(millis),
            RegExp: regExp,
        },
    };
})
