// FieldRendering
