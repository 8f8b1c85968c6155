// A mask under a soft round brush: values from 0 to 255, one a pixel.
import { encodeGray } from "./png.js";

const MAX_SIDE = 1280; // a brush is soft: more would only be slow
const MAX_UNDO = 30;
const ROUNDING = 6; // of values, by the browser's color management
const clamp = (value, most) => Math.min(most, Math.max(0, value));

export class Mask {
  /** A mask of a photo's shape that covers nothing. */
  constructor(photo) {
    const scale = Math.min(1, MAX_SIDE / Math.max(photo.width, photo.height));
    this.photo = photo;
    this.width = Math.max(1, Math.round(photo.width * scale));
    this.height = Math.max(1, Math.round(photo.height * scale));
    this.values = new Uint8Array(this.width * this.height);
    this.past = [];
  }

  /** Start from an uploaded mask. */
  async load(address) {
    const image = new Image();
    image.src = address;
    await image.decode();
    const canvas = Object.assign(document.createElement("canvas"), { width: this.width, height: this.height });
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(image, 0, 0, this.width, this.height);
    const pixels = context.getImageData(0, 0, this.width, this.height).data;
    this.values.forEach((_, index) => {
      const value = pixels[4 * index];
      this.values[index] = value < ROUNDING ? 0 : value > 255 - ROUNDING ? 255 : value;
    });
  }

  /** Remember the values, for `undo`. */
  keep() {
    this.past.push(this.values.slice());
    if (this.past.length > MAX_UNDO) this.past.shift();
  }

  undo() { this.values = this.past.pop() ?? this.values; }

  clear() { this.keep(); this.values.fill(0); }

  invert() { this.keep(); this.values.forEach((value, index) => { this.values[index] = 255 - value; }); }

  /** Add to the mask along a line, or erase: in full up to half the radius, to nothing at
   * the radius. However often it passes, the edge stays soft. Returns the box it is in. */
  stroke([fromX, fromY], [toX, toY], radius, erases) {
    const [dx, dy] = [toX - fromX, toY - fromY];
    const square = dx * dx + dy * dy;
    const left = clamp(Math.floor(Math.min(fromX, toX) - radius), this.width), right = clamp(Math.ceil(Math.max(fromX, toX) + radius), this.width);
    const top = clamp(Math.floor(Math.min(fromY, toY) - radius), this.height), bottom = clamp(Math.ceil(Math.max(fromY, toY) + radius), this.height);
    for (let y = top; y < bottom; y++)
      for (let x = left; x < right; x++) {
        const [px, py] = [x + 0.5 - fromX, y + 0.5 - fromY];
        const along = square ? clamp((px * dx + py * dy) / square, 1) : 0;
        const inside = clamp(2 - (2 * Math.hypot(px - along * dx, py - along * dy)) / radius, 1);
        const value = Math.round(255 * inside * inside * (3 - 2 * inside));
        const index = y * this.width + x;
        this.values[index] = erases ? Math.min(this.values[index], 255 - value) : Math.max(this.values[index], value);
      }
    return [left, top, right - left, bottom - top];
  }

  /** Encode it as a grayscale PNG of the photo's size. */
  encode() {
    const { width, height } = this.photo;
    // Bilinear: first between two rows, then between two values of that.
    const place = (index, size, sizeHere) => clamp(((index + 0.5) * sizeHere) / size - 0.5, sizeHere - 1);
    const columns = Float64Array.from({ length: width }, (_, x) => place(x, width, this.width));
    const between = new Float64Array(this.width + 1);
    return encodeGray(width, height, (y, row) => {
      const at = place(y, height, this.height), above = Math.floor(at), below = Math.ceil(at);
      for (let x = 0; x < this.width; x++) {
        const value = this.values[above * this.width + x];
        between[x] = value + (at - above) * (this.values[below * this.width + x] - value);
      }
      for (let x = 0; x < width; x++) {
        const left = Math.floor(columns[x]);
        row[x] = Math.round(between[left] + (columns[x] - left) * (between[left + 1] - between[left]));
      }
    });
  }
}
