"""The browser of the page's tests, for the site's."""

from tests.web.conftest import browser

__all__ = ["browser"]
