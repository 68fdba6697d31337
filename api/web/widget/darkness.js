// Which points of a picture are dark.

/** How bright each point is, 0 to 255. */
export function lumaOf({ data, width, height }) {
  const luma = new Uint8Array(width * height);
  for (let i = 0; i < luma.length; i++) {
    const at = i * 4;
    // Where a picture is transparent it is taken for white.
    const white = 255 - data[at + 3];
    luma[i] = Math.min(255, ((data[at] * 77 + data[at + 1] * 150 + data[at + 2] * 29) >> 8) + white);
  }
  return luma;
}

/** `(x, y) => is it dark?`, by the brightness from which on a point is light there. Outside everything is light. */
export function darkness(luma, width, height, threshold) {
  const isLight = threshold(luma, width, height);
  const dark = new Uint8Array(luma.length);
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) dark[i] = isLight(x, y, luma[i]) ? 0 : 1;
  }
  return (x, y) => x >= 0 && y >= 0 && x < width && y < height && dark[y * width + x] === 1;
}

/** Dark is what is darker than its surroundings: where light falls unevenly. */
export function byNeighbours(luma, width, height) {
  // Sums over everything above and to the left give the sum over any rectangle by four look-ups.
  const sums = new Float64Array((width + 1) * (height + 1));
  for (let y = 0; y < height; y++) {
    let row = 0;
    for (let x = 0; x < width; x++) {
      row += luma[y * width + x];
      sums[(y + 1) * (width + 1) + x + 1] = sums[y * (width + 1) + x + 1] + row;
    }
  }
  const reach = Math.max(8, Math.round(Math.min(width, height) / 10));
  return (x, y, value) => {
    const [left, right] = [Math.max(0, x - reach), Math.min(width, x + reach + 1)];
    const [top, bottom] = [Math.max(0, y - reach) * (width + 1), Math.min(height, y + reach + 1) * (width + 1)];
    const count = ((bottom - top) / (width + 1)) * (right - left);
    const mean = (sums[bottom + right] - sums[bottom + left] - sums[top + right] + sums[top + left]) / count;
    return value >= mean * 0.95 - 2;
  };
}

/** Otsu: dark and light are parted where the two differ most from each other: where light falls evenly. */
export function byHistogram(luma) {
  const counts = new Array(256).fill(0);
  for (const value of luma) counts[value]++;
  const total = counts.reduce((all, count, value) => all + count * value, 0);
  let [best, threshold, below, sumBelow] = [0, 128, 0, 0];
  for (let value = 0; value < 255; value++) {
    below += counts[value];
    sumBelow += counts[value] * value;
    const above = luma.length - below;
    if (below === 0 || above === 0) continue;
    const apart = below * above * (sumBelow / below - (total - sumBelow) / above) ** 2;
    if (apart > best) [best, threshold] = [apart, value + 1];
  }
  return (x, y, value) => value >= threshold;
}
