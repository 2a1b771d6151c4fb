//! Text handed across the C boundary.

/// `HearthText` of the headers: the parts of a `String`.
#[repr(C)]
pub struct HearthText {
    data: *mut u8,
    size: usize,
    capacity: usize,
}

impl HearthText {
    pub fn new(text: String) -> Self {
        let mut bytes = std::mem::ManuallyDrop::new(text.into_bytes());
        HearthText { data: bytes.as_mut_ptr(), size: bytes.len(), capacity: bytes.capacity() }
    }
}

/// # Safety
/// `text` is null, or one that this library filled in or all zero; it is zeroed.
#[no_mangle]
pub unsafe extern "C" fn hearth_text_free(text: *mut HearthText) {
    let Some(text) = text.as_mut() else { return };
    if !text.data.is_null() {
        drop(Vec::from_raw_parts(text.data, text.size, text.capacity));
    }
    *text = HearthText { data: std::ptr::null_mut(), size: 0, capacity: 0 };
}
