// Holds our count of segments against Twilio's own calculator on random texts: node compare.js SEGMENTS_TOOL [TEXTS].
// The calculator keeps grapheme clusters whole, which networks do not: so the texts have no CR LF, joiners or
// combining marks; all else, emoji and escapes at every seam, is in.
'use strict';
const { spawnSync } = require('child_process');
const { SegmentedMessage } = require('sms-segments-calculator');

let state = 12345;
function below(n) {
  state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
  return (state >>> 8) % n;
}
const septets = ['a', 'Z', '0', ' ', '\n', '{', '€', 'é', 'Ω', '@', '\f', 'The quick brown fox ', 'ß', '^~|'];
const wide = ['中', '👋', '’', '`', 'ç', '𠮷', '，', '\t', 'é'.normalize('NFC'), 'ж'];

function text() {
  const ucs2 = below(2) === 1;
  let s = '';
  for (let n = below(260); n > 0; n--)
    s += ucs2 && below(3) === 0 ? wide[below(wide.length)] : septets[below(septets.length)];
  return s;
}

const count = Number(process.argv[3] || 1000);
const texts = Array.from({ length: count }, text).concat(['', '`', '\u00a0', '中'.repeat(66) + '👋' + '中'.repeat(66)]);
const run = spawnSync(process.argv[2], { input: texts.join('\0') + '\0', encoding: 'utf8', maxBuffer: 1 << 28 });
if (run.status !== 0) throw new Error('the tool failed: ' + run.stderr);
const ours = run.stdout.trimEnd().split('\n');
let wrong = ours.length === texts.length ? 0 : 1;
texts.forEach((t, i) => {
  const m = new SegmentedMessage(t, 'auto', false);
  const units = m.messageSize / (m.encodingName === 'GSM-7' ? 7 : 16);
  const theirs = `${m.encodingName} ${units} ${m.segmentsCount}`;
  if (theirs !== ours[i] && wrong++ < 5) console.error(`ours ${ours[i]}, theirs ${theirs}: ${JSON.stringify(t)}`);
});
console.log(`1..1\n${wrong ? 'not ok' : 'ok'} 1 - ${texts.length} texts count as Twilio's calculator counts them`);
process.exit(wrong ? 1 : 0);
