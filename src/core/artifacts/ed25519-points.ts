/**
 * Which encodings of curve points a strict Ed25519 check refuses. A point is 32 bytes: y as a little-endian number
 * below p = 2^255 − 19, and the sign of x in the highest bit.
 */
const FIELD_PRIME = 2n ** 255n - 19n;
const SIGN_BIT = 2n ** 255n;

/** y of the points of order 8, from the curve's equation; the other two are its negatives. */
const ORDER_8 = 0x05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826n;

/** y of every point whose order divides 8: order 1, 2, 4, and both of order 8. */
const SMALL_ORDER: ReadonlySet<bigint> = new Set([1n, FIELD_PRIME - 1n, 0n, ORDER_8, FIELD_PRIME - ORDER_8]);

/** Whether the encoding is canonical and not of small order. It says nothing about the point being on the curve. */
export function isStrictPoint(encoding: Uint8Array): boolean {
  const y = littleEndian(encoding) % SIGN_BIT;
  return y < FIELD_PRIME && !SMALL_ORDER.has(y);
}

function littleEndian(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes.toReversed()).toString('hex')}`);
}
