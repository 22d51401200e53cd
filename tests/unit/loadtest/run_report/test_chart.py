"""What is drawn over a run's time."""

from loadtest.run_report import series
from loadtest.run_report.chart import Axis, Band, lanes
from tests.unit.loadtest.run_report.finished_run import LOOKS


def test_findings_stand_at_their_time() -> None:
    axis = Axis(100.0, 104.0)
    svg = lanes("found", axis, series.spans(LOOKS), [Band("skew", 101.0, 103.0, is_right=True)])
    assert f'class="span warning" x="{axis.x(102.0):.1f}"' in svg
    assert f'class="band right" x="{axis.x(101.0):.1f}"' in svg


def test_the_last_scenario_is_named_also_where_it_has_just_begun() -> None:
    axis, last = Axis(0.0, 100.0), Band("spike_single", 97.0, 100.0, is_right=True)
    early, late = (Band("steady", began, 96.0, is_right=True) for began in (10.0, 90.0))
    assert f'class="name end" x="{axis.x(100.0):.1f}"' in lanes("found", axis, [], [early, last])
    assert 'class="name end"' not in lanes("found", axis, [], [late, last])
