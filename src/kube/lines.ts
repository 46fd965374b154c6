import { StringDecoder } from 'node:string_decoder';
import { KubeError } from './errors.ts';

/** No object of the API server comes near this; a peer that sends no line end must not fill the memory. */
const LONGEST_LINE = 64 * 1024 * 1024;

/** Cuts a stream of bytes into its non-empty lines; a last line without end is dropped, for it is half an event. */
export async function* splitLines(chunks: AsyncIterable<Buffer>): AsyncGenerator<string> {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  for await (const chunk of chunks) {
    const text = decoder.write(chunk);
    let start = 0;
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', start)) {
      const line = rest + text.slice(start, end);
      rest = '';
      start = end + 1;
      if (line !== '') yield line;
    }
    rest += text.slice(start);
    if (rest.length > LONGEST_LINE) {
      throw new KubeError({ status: 0, reason: 'BadAnswer', message: 'a line of a watch is too long' });
    }
  }
}
