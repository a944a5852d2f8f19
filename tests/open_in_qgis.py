"""Opens a bundle in QGIS itself, without a screen: `tests/qgis` calls it with the bundle's folder and how many observations are in it.

It looks whether the project shows what it is to show, whether each photo of the form is found, and whether the layer looks the same in another project.
"""

import os
import sys
import time

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from qgis.core import Qgis, QgsApplication, QgsMapRendererParallelJob, QgsMapSettings, QgsProject, QgsVectorLayer
from qgis.gui import QgsAttributeForm, QgsExternalResourceWidget, QgsGui
from qgis.PyQt.QtCore import QSize
from qgis.PyQt.QtGui import QColor
from qgis.PyQt.QtWidgets import QLabel


def look_of(layer):
    """The key, name and colour of each category."""
    renderer = layer.renderer()
    assert renderer.type() == "categorizedSymbol" and renderer.classAttribute() == "category", renderer.type()
    return [(one.value(), one.label(), one.symbol().color().name()) for one in renderer.categories()]


def photos_in_the_form(layer):
    """How many photos the form of the layer shows: each is loaded by the very widget that a person sees."""
    found = 0
    for feature in layer.getFeatures():
        if not feature["photo"]:
            continue
        form = QgsAttributeForm(layer, feature)
        widgets = form.findChildren(QgsExternalResourceWidget)
        assert len(widgets) == 1, len(widgets)
        widget = widgets[0]
        assert widget.documentPath() == feature["photo"], widget.documentPath()
        root = widget.defaultRoot() or QgsProject.instance().absolutePath()
        assert os.path.isfile(os.path.join(root, feature["photo"])), (root, feature["photo"])
        # The picture is read in the background.
        for _ in range(200):
            if any(label.pixmap() and not label.pixmap().isNull() for label in widget.findChildren(QLabel)):
                found += 1
                break
            QgsApplication.processEvents()
            time.sleep(0.01)
    return found


def colours_drawn(layer, extent):
    """The colours on a map of the layer."""
    settings = QgsMapSettings()
    settings.setLayers([layer])
    settings.setDestinationCrs(layer.crs())
    settings.setExtent(extent)
    settings.setOutputSize(QSize(600, 600))
    settings.setBackgroundColor(QColor("black"))
    job = QgsMapRendererParallelJob(settings)
    job.start()
    job.waitForFinished()
    image = job.renderedImage()
    return {QColor(image.pixel(x, y)).name() for x in range(600) for y in range(600)}


def main(bundle, observations):
    application = QgsApplication([], True)
    application.initQgis()
    QgsGui.editorWidgetRegistry().initEditors()
    project = QgsProject.instance()

    assert project.read(os.path.join(bundle, "data", "open-in-QGIS.qgs")), project.error()
    (layer,) = project.mapLayers().values()
    assert layer.isValid() and layer.featureCount() == observations, (layer.isValid(), layer.featureCount())
    assert layer.crs().authid() == project.crs().authid() == "EPSG:4326", (layer.crs().authid(), project.crs().authid())
    assert not layer.labelsEnabled()
    tree = project.layerTreeRoot().findLayer(layer.id())
    assert tree is not None and tree.itemVisibilityChecked()
    look = look_of(layer)
    assert look[-1][0] in (None, "") and len(look) > 1, look
    drawn = colours_drawn(layer, layer.extent())
    used = {colour for key, _, colour in look if key in {feature["category"] for feature in layer.getFeatures()}}
    assert used & drawn, (used, sorted(drawn)[:20])
    in_project = photos_in_the_form(layer)
    assert in_project == sum(1 for feature in layer.getFeatures() if feature["photo"]) > 0, in_project

    # In a project that lies nowhere, the GeoPackage brings its style along.
    project.clear()
    alone = QgsVectorLayer(os.path.join(bundle, "data", "observations.gpkg") + "|layername=observations", "alone", "ogr")
    project.addMapLayer(alone)
    assert look_of(alone) == look, look_of(alone)
    assert photos_in_the_form(alone) == in_project
    print(f"QGIS {Qgis.QGIS_VERSION} opens the bundle: {observations} observations, {len(look)} signs, {len(used & drawn)} colours drawn, {in_project} photos in the form")
    sys.stdout.flush()
    # Its own end is known to crash where there is no screen.
    os._exit(0)


main(sys.argv[1], int(sys.argv[2]))
