// Grayscale PNGs, made here: a canvas would make them of colors, needs the whole picture
// at once, and is read back with noise by browsers that guard against fingerprinting.
const CHECKS = Uint32Array.from({ length: 256 }, (_, value) => {
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
  return value;
});

function makeChunk(type, content) {
  const bytes = new Uint8Array(content.length + 12);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, content.length);
  bytes.set(new TextEncoder().encode(type), 4);
  bytes.set(content, 8);
  let check = -1;
  for (const byte of bytes.subarray(4, -4)) check = CHECKS[(check ^ byte) & 255] ^ (check >>> 8);
  view.setUint32(content.length + 8, ~check);
  return bytes;
}

/** Encode a picture of 8 bits; `fillRow(y, row)` fills in a row's values. */
export async function encodeGray(width, height, fillRow) {
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  header[8] = 8;
  const packer = new CompressionStream("deflate");
  const packed = new Response(packer.readable).arrayBuffer();
  const writer = packer.writable.getWriter();
  for (let y = 0; y < height; y++) {
    const row = new Uint8Array(width + 1); // the first says that it is not filtered
    fillRow(y, row.subarray(1));
    await writer.write(row);
  }
  await writer.close();
  const signature = new Uint8Array([137, 80, 78, 71, 13, 10, 26, 10]);
  const chunks = [["IHDR", header], ["IDAT", new Uint8Array(await packed)], ["IEND", new Uint8Array()]];
  return new Blob([signature, ...chunks.map((chunk) => makeChunk(...chunk))], { type: "image/png" });
}
