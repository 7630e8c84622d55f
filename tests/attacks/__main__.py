"""Write the tables into docs/threat-model.md."""

from tests.attacks import cases_queue, matrix

if __name__ == "__main__":
    text = matrix.DOCUMENT.read_text()
    for begin, end, written in (
        (matrix.BEGIN, matrix.END, matrix.written_matrix()),
        (cases_queue.BEGIN, cases_queue.END, cases_queue.written_queue()),
        (matrix.REFUSALS, matrix.END_OF_REFUSALS, matrix.written_refusals()),
    ):
        before, rest = text.split(begin)
        _, after = rest.split(end)
        text = before + begin + written + end + after
    matrix.DOCUMENT.write_text(text)
