import { describe, expect, it } from 'vitest';
import { csvRecord } from '../../src/chips/index.js';
import { parseCsvRecords } from '../../src/samples/index.js';

describe('records of a CSV', () => {
  it('keeps empty cells wherever they are, and what is quoted', () => {
    // RFC 4180, section 2: rules 4 to 7
    const text = '\uFEFF,id,class\r\n0,a,"x, ""y"""\n\n,,\n"two\r\nlines",,\r\nlast,"",z';
    expect(parseCsvRecords(text, 'labels.csv')).toEqual([
      { line: 1, cells: ['', 'id', 'class'] }, { line: 2, cells: ['0', 'a', 'x, "y"'] }, { line: 5, cells: ['two\r\nlines', '', ''] }, { line: 7, cells: ['last', '', 'z'] },
    ]);
    expect(parseCsvRecords('', 'labels.csv')).toEqual([]);
    const cells = ['', 'a"b', 'c,d', 'e\nf', ''];
    expect(parseCsvRecords(csvRecord(cells), 'labels.csv')).toEqual([{ line: 1, cells }]);
  });

  it('refuses a quote without an end', () => {
    expect(() => parseCsvRecords('a,b\n1,"2\n3,4\n', 'labels.csv')).toThrow('line 2: expected the quote');
    expect(() => parseCsvRecords('"a"b,c\n', 'labels.csv')).toThrow('line 1');
  });
});
