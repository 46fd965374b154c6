const SIGNATURE_BYTES = 64;

/** The signature in a `.sig` file: the raw bytes, or their base64. Of other content no key will say that it signed it. */
export function signatureOf(file: Uint8Array): Uint8Array {
  return file.length === SIGNATURE_BYTES ? file : Buffer.from(Buffer.from(file).toString('latin1'), 'base64');
}
