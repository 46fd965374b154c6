/**
 * The bytes of a standard, padded base64 text, or undefined where it is anything else: URL alphabet, missing padding,
 * blanks, or stray bits in the last character.
 */
export function decodeBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64');
  // Buffer skips what it does not know; only a canonical text comes back the same.
  return bytes.toString('base64') === text ? bytes : undefined;
}
