/**
 * Points of the Ed25519 curve and their encodings: 32 bytes, y as a little-endian number and the sign of x in the
 * highest bit. Ordinary signatures are checked by OpenSSL; this is for the points that it treats in its own way.
 */
import { createHash } from 'node:crypto';

const FIELD_PRIME = 2n ** 255n - 19n;
const GROUP_ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;
const SIGN_BIT = 2n ** 255n;
/** The constant of the curve's equation −x² + y² = 1 + d·x²·y². */
const D = modulo(-121665n * inverse(121666n));
const SQUARE_ROOT_OF_MINUS_1 = power(2n, (FIELD_PRIME - 1n) / 4n);

/** y of the points of order 8; the other two are its negatives. */
const ORDER_8 = 0x05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826n;

/** y of every point whose order divides 8: order 1, 2, 4, and both of order 8. */
const SMALL_ORDER: ReadonlySet<bigint> = new Set([1n, FIELD_PRIME - 1n, 0n, ORDER_8, FIELD_PRIME - ORDER_8]);

interface Point {
  readonly x: bigint;
  readonly y: bigint;
}

const NEUTRAL: Point = { x: 0n, y: 1n };

/** Whether the encoding is canonical and not of small order. It says nothing about the point being on the curve. */
export function isStrictPoint(encoding: Uint8Array): boolean {
  const y = littleEndian(encoding) % SIGN_BIT;
  return y < FIELD_PRIME && !SMALL_ORDER.has(y);
}

/**
 * The signature equation without cofactor, R = S·B − h·A, for points of every order. Slow (milliseconds) and not in
 * constant time: for public data only. `publicKey` is 32 bytes, `signature` 64.
 */
export function satisfiesEquation(
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  const r = signature.subarray(0, 32);
  const s = littleEndian(signature.subarray(32));
  const key = decode(publicKey);
  if (key === undefined || s >= GROUP_ORDER) return false;
  const digest = createHash('sha512').update(r).update(publicKey).update(message).digest();
  const h = littleEndian(digest) % GROUP_ORDER;
  const minusKey = { x: modulo(-key.x), y: key.y };
  const base = { x: recoverX(BASE_Y, 0n) ?? 0n, y: BASE_Y };
  const expected = add(multiply(base, s), multiply(minusKey, h));
  return littleEndian(r) === expected.y + (expected.x % 2n) * SIGN_BIT;
}

const BASE_Y = modulo(4n * inverse(5n));

/** Accepts y that is not reduced, and a sign for x = 0, as the original does. */
function decode(encoding: Uint8Array): Point | undefined {
  const number = littleEndian(encoding);
  const y = modulo(number % SIGN_BIT);
  const x = recoverX(y, number / SIGN_BIT);
  return x === undefined ? undefined : { x, y };
}

function recoverX(y: bigint, sign: bigint): bigint | undefined {
  const square = modulo((y * y - 1n) * inverse(D * y * y + 1n));
  let x = power(square, (FIELD_PRIME + 3n) / 8n);
  if (modulo(x * x) !== square) x = modulo(x * SQUARE_ROOT_OF_MINUS_1);
  if (modulo(x * x) !== square) return undefined;
  return x % 2n === sign ? x : modulo(-x);
}

function add(a: Point, b: Point): Point {
  const xy = D * a.x * b.x * a.y * b.y;
  return {
    x: modulo((a.x * b.y + a.y * b.x) * inverse(1n + xy)),
    y: modulo((a.y * b.y + a.x * b.x) * inverse(1n - xy)),
  };
}

function multiply(point: Point, factor: bigint): Point {
  let result = NEUTRAL;
  let doubled = point;
  for (let rest = factor; rest > 0n; rest >>= 1n) {
    if (rest % 2n === 1n) result = add(result, doubled);
    doubled = add(doubled, doubled);
  }
  return result;
}

function modulo(value: bigint): bigint {
  const rest = value % FIELD_PRIME;
  return rest < 0n ? rest + FIELD_PRIME : rest;
}

/** By Euclid's algorithm, which is far quicker than a power for numbers of this size. */
function inverse(value: bigint): bigint {
  let [a, b] = [modulo(value), FIELD_PRIME];
  let [x, next] = [1n, 0n];
  while (b > 0n) {
    const quotient = a / b;
    [a, b] = [b, a - quotient * b];
    [x, next] = [next, x - quotient * next];
  }
  return modulo(x);
}

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  let square = modulo(base);
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest % 2n === 1n) result = modulo(result * square);
    square = modulo(square * square);
  }
  return result;
}

function littleEndian(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes.toReversed()).toString('hex')}`);
}
