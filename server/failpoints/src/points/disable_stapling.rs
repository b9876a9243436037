//! `disableStapling`: no certificate's state is sent along with it.
//!
//! That is how every server here behaves, as OCSP is not part of it. The point is known because
//! harnesses switch it on at the start of every server; it stands nowhere.

use crate::registry::Known;

pub static POINT: Known =
    Known { name: "disableStapling", switch: |points| &points.disable_stapling };
