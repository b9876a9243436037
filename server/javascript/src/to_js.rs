//! From BSON to JavaScript.
//!
//! Owns which type becomes what: 32-bit integers and doubles are numbers, dates are dates, symbols are
//! strings; what the language has no type for is an instance of a class of the prelude.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use quire_bson::{Decimal128, RawDoc, RawElement, RawValue};
use rquickjs::function::IntoArgs;
use rquickjs::object::Property;
use rquickjs::{Array, BigInt, Ctx, Function, IntoJs, Object, Result, Value};

pub(crate) struct ToJs<'a, 'js> {
    ctx: &'a Ctx<'js>,
    make: Object<'js>,
}

impl<'a, 'js> ToJs<'a, 'js> {
    pub(crate) fn new(ctx: &'a Ctx<'js>, host: &Object<'js>) -> Result<ToJs<'a, 'js>> {
        Ok(ToJs { ctx, make: host.get("make")? })
    }

    pub(crate) fn document(&self, doc: RawDoc<'_>) -> Result<Value<'js>> {
        let object = Object::new(self.ctx.clone())?;
        for element in doc {
            self.field(&object, element)?;
        }
        Ok(object.into_value())
    }

    fn field(&self, object: &Object<'js>, element: RawElement<'_>) -> Result<()> {
        let value = self.value(element.value())?;
        match element.key() {
            // To set it would be to set something else.
            "__proto__" => {
                let property = Property::from(value).writable().enumerable().configurable();
                object.prop("__proto__", property)
            }
            key => object.set(key, value),
        }
    }

    fn array(&self, items: RawDoc<'_>) -> Result<Value<'js>> {
        let array = Array::new(self.ctx.clone())?;
        for (at, item) in items.iter().enumerate() {
            array.set(at, self.value(item.value())?)?;
        }
        Ok(array.into_value())
    }

    pub(crate) fn value(&self, value: RawValue<'_>) -> Result<Value<'js>> {
        let ctx = self.ctx;
        match value {
            RawValue::Double(x) => Ok(Value::new_number(ctx.clone(), x)),
            RawValue::Int32(n) => Ok(Value::new_int(ctx.clone(), n)),
            RawValue::String(text) | RawValue::Symbol(text) => text.into_js(ctx),
            RawValue::Boolean(flag) => Ok(Value::new_bool(ctx.clone(), flag)),
            RawValue::Null => Ok(Value::new_null(ctx.clone())),
            RawValue::Undefined => Ok(Value::new_undefined(ctx.clone())),
            RawValue::Document(doc) => self.document(doc),
            RawValue::Array(items) => self.array(items),
            other => self.instance(other),
        }
    }

    fn instance(&self, value: RawValue<'_>) -> Result<Value<'js>> {
        let ctx = self.ctx;
        match value {
            RawValue::Int64(n) => self.make("NumberLong", (BigInt::from_i64(ctx.clone(), n)?,)),
            RawValue::DateTime(millis) => self.make("Date", (millis as f64,)),
            RawValue::ObjectId(id) => self.make("ObjectId", (id.to_hex(),)),
            RawValue::Binary { subtype, bytes } => {
                self.make("BinData", (subtype, STANDARD.encode(bytes)))
            }
            RawValue::Regex { pattern, options } => self.make("RegExp", (pattern, options)),
            RawValue::Timestamp { time, increment } => self.make("Timestamp", (time, increment)),
            RawValue::Decimal128(bytes) => {
                self.make("NumberDecimal", (Decimal128::from_bytes(bytes).to_string(),))
            }
            RawValue::Code(code) => self.make("Code", (code,)),
            RawValue::CodeWithScope { code, scope } => {
                self.make("Code", (code, self.document(scope)?))
            }
            RawValue::DbPointer { namespace, id } => {
                self.make("DBPointer", (namespace, id.to_hex()))
            }
            RawValue::MinKey => self.make("MinKey", ()),
            RawValue::MaxKey => self.make("MaxKey", ()),
            _ => Ok(Value::new_undefined(ctx.clone())),
        }
    }

    fn make(&self, class: &str, parts: impl IntoArgs<'js>) -> Result<Value<'js>> {
        self.make.get::<_, Function<'js>>(class)?.call(parts)
    }
}
